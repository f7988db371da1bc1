/** Feeds of a room: the address and the keys by which an encoder publishes a programme (WHIP) or a monitor watches (WHEP). */
import { createClient } from "@connectrpc/connect";
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { requestId, transport } from "../app/api";
import { explain } from "../app/error";
import { FeedRight, FeedService, type FeedKey } from "../gen/rushes/signaling/v1/feed_service_pb";
import { t } from "../messages";
import { Button } from "../ui/button";
import { say } from "../ui/toast";

const feeds = createClient(FeedService, transport);

interface Made {
  key: FeedKey;
  secret: string;
}

/** The panel. A key's secret is shown once, when it is made. */
export function Feeds({ project, room, close }: { project: bigint; room: string; close: () => void }): JSX.Element {
  const [keys, setKeys] = useState<readonly FeedKey[]>([]);
  const [made, setMade] = useState<Made>();
  const [busy, setBusy] = useState(false);
  const run = (work: () => Promise<void>): void => {
    setBusy(true);
    work()
      .catch((error: unknown) => say({ title: t("live.refused"), detail: explain(error), look: "bad" }))
      .finally(() => setBusy(false));
  };
  const read = async (): Promise<void> => setKeys((await feeds.listFeedKeys({ projectId: project, roomId: room })).keys);
  useEffect(() => run(read), [project, room]);
  const make = (right: FeedRight): void =>
    run(async () => {
      const name = right === FeedRight.PUBLISH ? t("feed.programme") : t("feed.monitor");
      const { key, secret } = await feeds.createFeedKey({ projectId: project, roomId: room, right, name, requestId: requestId() });
      if (key) setMade({ key, secret });
      await read();
    });
  const revoke = (keyId: string): void =>
    run(async () => {
      await feeds.revokeFeedKey({ projectId: project, roomId: room, keyId });
      if (made?.key.keyId === keyId) setMade(undefined);
      await read();
    });
  return (
    <section class="feeds" aria-label={t("feed.title")} data-testid="feeds">
      <header class="row">
        <strong class="grow">{t("feed.title")}</strong>
        <Button small look="quiet" icon="close" label={t("ui.close")} onClick={close} />
      </header>
      {made && <Secret made={made} />}
      <div class="row">
        <Button small disabled={busy} label={t("feed.newPublish")} onClick={() => make(FeedRight.PUBLISH)}>
          {t("feed.newPublish")}
        </Button>
        <Button small look="quiet" disabled={busy} label={t("feed.newWatch")} onClick={() => make(FeedRight.WATCH)}>
          {t("feed.newWatch")}
        </Button>
      </div>
      <ul class="plain" aria-label={t("feed.keys")}>
        {keys.map((key) => (
          <li key={key.keyId} class="row">
            <span class="grow clip">{key.name}</span>
            <span class="faint">{key.right === FeedRight.PUBLISH ? t("feed.publishes") : t("feed.watches")}</span>
            <Button small look="quiet" icon="close" disabled={busy} label={t("feed.revoke", { name: key.name })} onClick={() => revoke(key.keyId)} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function Secret({ made: { key, secret } }: { made: Made }): JSX.Element {
  const address = `${location.origin}/${key.right === FeedRight.PUBLISH ? "whip" : "whep"}`;
  return (
    <div class="secret">
      <p class="dim">{key.right === FeedRight.PUBLISH ? t("feed.publishHow") : t("feed.watchHow")}</p>
      <Line label={t("feed.address")} value={address} />
      <Line label={t("feed.key")} value={secret} />
      <p class="faint">{t("feed.once")}</p>
    </div>
  );
}

function Line({ label, value }: { label: string; value: string }): JSX.Element {
  const copy = (): void => void navigator.clipboard.writeText(value).then(
    () => say({ title: t("feed.copied", { what: label }) }),
    // Without the clipboard's leave the field can still be selected.
    () => undefined,
  );
  return (
    <label class="row">
      <span class="faint">{label}</span>
      <input class="grow mono" readOnly value={value} aria-label={label} onFocus={(event) => event.currentTarget.select()} />
      <Button small look="quiet" icon="copy" label={t("feed.copy", { what: label })} onClick={copy} />
    </label>
  );
}
