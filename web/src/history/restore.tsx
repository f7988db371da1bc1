/** What going back would do, before it is done. */
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { explain } from "../app/error";
import { Permission } from "../document";
import type { Rollback, Version } from "../gen/rushes/version/v1/version_pb";
import { count, t } from "../messages";
import type { Room } from "../review/room";
import { Button } from "../ui/button";
import type { Past, Scope, Target } from "./past";

export interface Restoring {
  target: Target;
  /** What it is called. */
  name: string;
  /** The snapshot, if it is one: shown while one is asked. */
  version?: Version;
}

interface RestoreProps {
  room: Room;
  past: Past;
  asked: Restoring;
  close: () => void;
}

/** The question, with what it would change. */
export function Restore({ room, past, asked, close }: RestoreProps): JSX.Element {
  const others = room.has(Permission.EDIT_OTHERS);
  const scope = useSignal<Scope>({ onFrame: false, mine: !others });
  const planned = useSignal<Rollback | undefined>(undefined);
  const failed = useSignal("");
  useEffect(() => {
    if (asked.version) past.show({ kind: "version", version: asked.version });
  }, [asked]);
  useEffect(() => {
    let here = true;
    planned.value = undefined;
    failed.value = "";
    past
      .plan(asked.target, scope.value)
      .then((found) => here && (planned.value = found))
      .catch((error: unknown) => here && (failed.value = explain(error)));
    return () => {
      here = false;
    };
  }, [asked, scope.value]);
  const plan = planned.value;
  return (
    <section class="past-restore" role="dialog" aria-label={t("history.restoreTitle", { name: asked.name })} data-testid="restore">
      <h3>{t("history.restoreTitle", { name: asked.name })}</h3>
      <p class="dim" data-testid="restore-plan">
        {failed.value || (plan ? count("history.plan", plan.annotationCount) : t("ui.loading"))}
      </p>
      {plan !== undefined && plan.keptCount > 0 && <p class="dim">{t("history.kept", { n: plan.keptCount })}</p>}
      <p class="faint">{t("history.restoreDetail")}</p>
      <label class="row">
        <input type="checkbox" checked={scope.value.onFrame} onChange={(event) => (scope.value = { ...scope.value, onFrame: event.currentTarget.checked })} />
        {t("history.onlyFrame", { frame: room.names(room.player.frame.value).number })}
      </label>
      <label class="row">
        <input
          type="checkbox"
          checked={scope.value.mine}
          disabled={!others}
          onChange={(event) => (scope.value = { ...scope.value, mine: event.currentTarget.checked })}
        />
        {t("history.onlyMine")}
      </label>
      <div class="row past-buttons">
        <Button
          look="quiet"
          label={t("ui.cancel")}
          onClick={() => {
            past.show(undefined);
            close();
          }}
        >
          {t("ui.cancel")}
        </Button>
        <Button
          look="primary"
          label={t("history.restore")}
          disabled={past.busy.value || !plan || plan.operationCount === 0}
          onClick={() => void past.restore(asked.target, scope.value).then((done) => done && close())}
        >
          {t("history.restore")}
        </Button>
      </div>
    </section>
  );
}
