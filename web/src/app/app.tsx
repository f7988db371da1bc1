/** The shell: finds out who is there, and shows the place of the address. */
import type { JSX } from "preact";
import type { FunctionComponent } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Library } from "../library/library";
import { Rates } from "../library/rate";
import { Uploads } from "../library/uploads";
import { t } from "../messages";
import type { ReviewProps } from "../review/review";
import { Button } from "../ui/button";
import { dragging } from "../ui/dropzone";
import { Icon } from "../ui/icon";
import { Tips } from "../ui/tip";
import { Toasts } from "../ui/toast";
import { askAgain, load, me } from "./auth";
import { addCommonFinders } from "./found";
import { followKeys } from "./keymap";
import { Overlays } from "./overlay";
import { explain } from "./error";
import { Invite } from "./invite";
import { Lost } from "./lost";
import { navigate, route } from "./router";
import { SignIn } from "./signin";

/** The review page is fetched when it is first needed: the library is there sooner. */
function LazyReview(props: ReviewProps): JSX.Element {
  const [page, setPage] = useState<{ Review: FunctionComponent<ReviewProps> }>();
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    import("../review/review").then(setPage).catch(() => setFailed(true));
  }, []);
  if (failed) return <div class="boot">{t("error.unreachable")}</div>;
  return page ? <page.Review {...props} /> : <div class="boot" />;
}

function Place(): JSX.Element {
  const here = route.value;
  const self = me.value;
  useEffect(() => {
    if (self === null && (here.name === "library" || here.name === "review")) {
      navigate(`/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`, true);
    }
    if (self && here.name === "signIn") navigate(here.next, true);
  }, [self, here]);
  if (here.name === "invite") return <Invite secret={here.secret} next={here.next} />;
  if (here.name === "signIn") return <SignIn next={here.next} />;
  if (here.name === "lost") return <Lost />;
  if (!self) return <div class="boot" />;
  if (here.name === "library") return <Library project={here.project} />;
  return <LazyReview key={here.asset} place={here} />;
}

/** The whole page. */
export function App(): JSX.Element {
  const [error, setError] = useState("");
  const start = (): void => {
    setError("");
    load().catch((failure: unknown) => setError(explain(failure)));
  };
  useEffect(start, []);
  useEffect(askAgain, []);
  useEffect(followKeys, []);
  useEffect(addCommonFinders, []);
  return (
    <>
      {me.value === undefined ? (
        <div class="boot">
          {error ? (
            <div class="column">
              <p>{error}</p>
              <p>
                <Button label={t("ui.again")} onClick={start}>
                  {t("ui.again")}
                </Button>
              </p>
            </div>
          ) : (
            <div class="spinner" role="status" aria-label={t("ui.loading")} />
          )}
        </div>
      ) : (
        <Place />
      )}
      {me.value && <Rates />}
      {me.value && <Uploads />}
      {dragging.value && (
        <div class="drop-veil">
          <div>
            <Icon name="upload" size={32} />
            {t("upload.drop")}
          </div>
        </div>
      )}
      {me.value && <Overlays />}
      <Toasts />
      <Tips />
    </>
  );
}
