import { expect, test } from "vitest";
import { Turns } from "./turn";

const sound = (participantId: string, level: number): { audio: boolean; level: number; participantId: string } => ({ audio: true, level, participantId });

test("who speaks is shown until another speaks and they have been silent for a while", () => {
  const turns = new Turns();
  expect(turns.heard([sound("ada", 20)], 0)).toBe("");
  expect(turns.heard([sound("ada", 100), sound("bob", 110)], 10)).toBe("bob");
  expect(turns.heard([sound("ada", 120), sound("bob", 0)], 500)).toBe("bob");
  expect(turns.heard([sound("ada", 120), sound("bob", 90)], 2000)).toBe("bob");
  expect(turns.heard([sound("ada", 120), sound("bob", 0)], 4100)).toBe("ada");
  expect(turns.heard([], 9000)).toBe("ada");
});
