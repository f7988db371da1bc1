/** An invitation, for whoever has its link: a guest gives a name, others make an account, who is signed in just accepts. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { t } from "../messages";
import { Button } from "../ui/button";
import { identity, requestId } from "./api";
import { accept, me } from "./auth";
import { explain } from "./error";
import { navigate } from "./router";
import { Door, Field, SignIn } from "./signin";

interface Offer {
  project: string;
  role: string;
}

/** The roles, the weakest first. */
export const ROLES = ["guest", "client", "reviewer", "member", "owner"] as const;
type Role = (typeof ROLES)[number];

/** Name of a role. */
export function roleName(role: string): string {
  return ROLES.includes(role as Role) ? t(`role.${role as Role}`) : role;
}

function NoOffer({ error }: { error: string }): JSX.Element {
  return (
    <>
      <p class="error" role="alert">
        {error}
      </p>
      <p class="dim">{t("invite.badLink")}</p>
      <Button label={t("lost.back")} onClick={() => navigate("/", true)}>
        {t("lost.back")}
      </Button>
    </>
  );
}

/** The page of an invitation; `next`: where one goes from it, "/" to the project. */
export function Invite({ secret, next }: { secret: string; next: string }): JSX.Element {
  const [offer, setOffer] = useState<Offer>();
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const [request] = useState(requestId);
  const [account, setAccount] = useState(false);
  const [known, setKnown] = useState(false);
  const [who, setWho] = useState({ name: "", email: "", password: "" });
  useEffect(() => {
    setError("");
    identity
      .getInvitation({ secret })
      .then(({ projectName, role }) => {
        setOffer({ project: projectName, role });
        setAccount(role !== "guest" && role !== "client");
      })
      .catch((failure: unknown) => setError(explain(failure)));
  }, [secret]);
  const signedIn = me.value;
  const go = async (event: Event): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setError("");
    const newcomer = { name: who.name.trim(), email: account ? who.email.trim() : "", password: account ? who.password : "" };
    try {
      const project = await accept(secret, signedIn ? undefined : newcomer, request);
      navigate(next !== "/" || !project ? next : `/?project=${project}`, true);
    } catch (failure) {
      setError(explain(failure));
      setBusy(false);
    }
  };
  if (!offer) {
    return <Door title={t("invite.title")}>{error ? <NoOffer error={error} /> : <div class="spinner" role="status" aria-label={t("ui.loading")} />}</Door>;
  }
  if (known && !signedIn) return <SignIn next={`/invite?next=${encodeURIComponent(next)}#${secret}`} />;
  return (
    <Door title={t("invite.to", { project: offer.project })} lead={t("invite.as", { role: roleName(offer.role) })}>
      <form class="column" onSubmit={go}>
        {signedIn ? (
          <p>{t("invite.signedIn", { name: signedIn.name })}</p>
        ) : (
          <>
            <Field label={t("invite.name")} name="name" complete="name" value={who.name} focus onInput={(name) => setWho({ ...who, name })} />
            {account && (
              <>
                <Field
                  label={t("signin.email")}
                  name="email"
                  type="email"
                  complete="username"
                  value={who.email}
                  onInput={(email) => setWho({ ...who, email })}
                />
                <Field
                  label={t("invite.password")}
                  name="password"
                  type="password"
                  complete="new-password"
                  value={who.password}
                  onInput={(password) => setWho({ ...who, password })}
                />
              </>
            )}
          </>
        )}
        {error && (
          <p class="error" role="alert">
            {error}
          </p>
        )}
        <Button type="submit" look="primary" label={t("invite.accept")} disabled={busy}>
          {t("invite.accept")}
        </Button>
        {!signedIn && (
          <>
            <Button look="quiet" label={account ? t("invite.asGuest") : t("invite.withAccount")} onClick={() => setAccount(!account)}>
              {account ? t("invite.asGuest") : t("invite.withAccount")}
            </Button>
            <Button look="quiet" label={t("invite.known")} onClick={() => setKnown(true)}>
              {t("invite.known")}
            </Button>
          </>
        )}
      </form>
    </Door>
  );
}
