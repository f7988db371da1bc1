/** What is shown where nothing is. */
import type { JSX } from "preact";
import { t } from "../messages";
import { Button } from "../ui/button";
import { navigate } from "./router";

/** Nothing is at this address, or one may not see it. */
export function Lost(): JSX.Element {
  return (
    <div class="boot">
      <div class="column">
        <h1>{t("lost.title")}</h1>
        <p class="dim">{t("lost.detail")}</p>
        <p>
          <Button label={t("lost.back")} onClick={() => navigate("/")}>
            {t("lost.back")}
          </Button>
        </p>
      </div>
    </div>
  );
}
