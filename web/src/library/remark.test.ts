import { afterEach, expect, test } from "vitest";
import { setMessages } from "../messages";
import { en } from "../messages/en";
import { zh } from "../messages/zh";
import { remarksText, remarkText } from "./remark";

afterEach(() => setMessages("en", en));

const MISSING = "3 numbers are missing, where the picture before is held: 1003-1004, 1007.";
const MANY = "90 numbers are missing, where the picture before is held: 1, 3, 5 and 12 more gaps.";

test("what the service says is said as well as it does", () => {
  for (const said of [MISSING, "1 number is missing, where the picture before is held: 1003.", "Other files in the archive were left out: 2."]) {
    expect(remarkText(said)).toBe(said);
  }
});

test("a remark is said in the language of the page", () => {
  setMessages("zh-CN", zh);
  expect(remarkText(MISSING)).toBe("缺少 3 个编号，缺失处沿用前一张画面：1003-1004, 1007。");
  expect(remarksText([MANY])).toBe("缺少 90 个编号，缺失处沿用前一张画面：1, 3, 5。 另有 12 处缺失。");
});

test("a remark that is not known here is shown as it came", () => {
  expect(remarksText(["Something else.", "Other files in the archive were left out: 1."])).toBe("Something else. Other files in the archive were left out: 1.");
});
