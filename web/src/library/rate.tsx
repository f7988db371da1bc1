/** Files without a rate of their own, before they are sent: how many frames a second, and whether pictures are one sequence. */
import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { count, t } from "../messages";
import { Button } from "../ui/button";
import { archiveOf, type Pictures } from "./sequence";
import { send } from "./upload";

const RATES = ["24", "24000/1001", "25", "30000/1001", "30", "48", "50", "60000/1001", "60"];
const LAST = "rushes-rate";

interface Asked {
  sequences: Pictures[];
  /** Sounds and archives. */
  others: File[];
  project: bigint;
  asset: bigint;
  folder: bigint;
}

const asked = signal<readonly Asked[]>([]);
const rate = signal(localStorage.getItem(LAST) ?? "24");

/** Asks for the rate of files, then sends them. */
export function askRate(what: Asked): void {
  asked.value = [...asked.value, what];
}

function shown(text: string): string {
  const [num = 24, den = 1] = text.split("/").map(Number);
  return t("rate.each", { rate: Math.round((num / den) * 1000) / 1000 });
}

function go(what: Asked, files: readonly File[]): void {
  asked.value = asked.value.filter((each) => each !== what);
  localStorage.setItem(LAST, rate.value);
  if (files.length > 0) send(files, what.project, what.asset, what.folder, rate.value);
}

function Question({ what }: { what: Asked }): JSX.Element {
  const pictures = what.sequences.flatMap((each) => each.files);
  return (
    <li class="upload">
      {what.sequences.map((each) => (
        <p key={each.name} class="clip" title={each.name}>
          {count("rate.pictures", each.files.length, { name: each.name })}
        </p>
      ))}
      {what.others.map((file) => (
        <p key={file.name} class="clip" title={file.name}>
          {file.name}
        </p>
      ))}
      <div class="row">
        <select class="input grow" aria-label={t("rate.rate")} value={rate.value} onChange={(event) => (rate.value = event.currentTarget.value)}>
          {RATES.map((each) => (
            <option key={each} value={each}>
              {shown(each)}
            </option>
          ))}
        </select>
        <Button small look="primary" label={t("rate.send")} onClick={() => go(what, [...what.sequences.map(archiveOf), ...what.others])}>
          {t("rate.send")}
        </Button>
        <Button small look="quiet" icon="close" label={t("rate.drop")} onClick={() => go(what, [])} />
      </div>
      {pictures.length > 0 && (
        <Button small look="quiet" label={t("rate.single")} onClick={() => go(what, [...pictures, ...what.others])}>
          {t("rate.single")}
        </Button>
      )}
    </li>
  );
}

/** The questions that are open; nothing while there is none. */
export function Rates(): JSX.Element | null {
  if (asked.value.length === 0) return null;
  return (
    <section class="rates floating" aria-label={t("rate.title")}>
      <header class="row">
        <span class="grow">{t("rate.title")}</span>
      </header>
      <ul>
        {asked.value.map((what, at) => (
          <Question key={at} what={what} />
        ))}
      </ul>
    </section>
  );
}
