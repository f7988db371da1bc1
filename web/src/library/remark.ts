/** What was remarkable about a file when it was prepared, in the language of whoever reads it. The service says it in English. Pure. */
import { count } from "../messages";

const MISSING = /^(?:1 number is|(\d+) numbers are) missing, where the picture before is held: (.+?)(?: and (\d+) more gaps)?\.$/;
const LEFT_OUT = /^Other files in the archive were left out: (\d+)\.$/;

/** A remark as it is shown; one that is not known here is shown as it came. */
export function remarkText(remark: string): string {
  const missing = MISSING.exec(remark);
  if (missing) {
    const [, many = "1", numbers = "", gaps] = missing;
    const said = count("remark.missing", Number(many), { numbers });
    return gaps === undefined ? said : `${said} ${count("remark.gaps", Number(gaps))}`;
  }
  const leftOut = LEFT_OUT.exec(remark)?.[1];
  return leftOut === undefined ? remark : count("remark.leftOut", Number(leftOut));
}

/** All remarks, one sentence after the other; empty: there are none. */
export function remarksText(remarks: readonly string[]): string {
  return remarks.map(remarkText).join(" ");
}
