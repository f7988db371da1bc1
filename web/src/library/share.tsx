/** Makes a link that lets others into a project, over the lists of who is in it and of links that are open. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { identity, requestId } from "../app/api";
import { explain } from "../app/error";
import { roleName, ROLES } from "../app/invite";
import { count, t, type Key } from "../messages";
import { Button } from "../ui/button";
import { shortly } from "../ui/when";

const DAY_S = 86_400n;
const DAYS = [1, 7, 30, 365] as const;

interface Link {
  address: string;
  expiresMs: number;
}

/** The form in the share menu. */
export function Share({ project }: { project: bigint }): JSX.Element {
  const [role, setRole] = useState<string>("reviewer");
  const [days, setDays] = useState(7);
  const [link, setLink] = useState<Link>();
  const [copied, setCopied] = useState(false);
  const [error, setError] = useState("");
  const [lists, setLists] = useState<typeof import("./members")>();
  // They are an extra: without them links are made as always.
  useEffect(() => void import("./members").then(setLists, () => undefined), []);
  const make = async (): Promise<void> => {
    setError("");
    setCopied(false);
    try {
      const lifetimeS = BigInt(days) * DAY_S;
      const made = await identity.createInvitation({ projectId: project, role, lifetimeS, requestId: requestId() });
      const address = `${location.origin}/invite#${made.secret}`;
      setLink({ address, expiresMs: Number(made.expiresMs) });
      await copy(address);
    } catch (failure) {
      setError(explain(failure));
    }
  };
  const copy = async (address: string): Promise<void> => {
    try {
      await navigator.clipboard.writeText(address);
      setCopied(true);
    } catch {
      // Without leave for the clipboard the link stands in the field, to be copied by hand.
      setCopied(false);
    }
  };
  return (
    <div class="share column">
      <h3>{t("share.title")}</h3>
      <label class="field">
        <span>{t("share.role")}</span>
        <select class="input" value={role} onChange={(event) => setRole(event.currentTarget.value)}>
          {ROLES.map((each) => (
            <option key={each} value={each}>
              {roleName(each)}
            </option>
          ))}
        </select>
      </label>
      <p class="faint">{t(`share.${role}` as Key as "share.guest")}</p>
      <label class="field">
        <span>{t("share.days")}</span>
        <select class="input" value={days} onChange={(event) => setDays(Number(event.currentTarget.value))}>
          {DAYS.map((each) => (
            <option key={each} value={each}>
              {count("share.forDays", each)}
            </option>
          ))}
        </select>
      </label>
      <Button look="primary" icon="share" label={t("share.make")} onClick={make}>
        {t("share.make")}
      </Button>
      {error && (
        <p class="error" role="alert">
          {error}
        </p>
      )}
      {link && (
        <>
          <input class="input mono" readOnly aria-label={t("share.link")} value={link.address} onFocus={(event) => event.currentTarget.select()} />
          <p class="faint">
            {copied ? `${t("share.copied")} ` : ""}
            {t("share.until", { time: shortly(link.expiresMs) })}
          </p>
        </>
      )}
      {lists && <lists.default project={project} fresh={link?.address ?? ""} />}
    </div>
  );
}
