import { describe, expect, test } from "vitest";
import { Palm, type Contact } from "./palm";

const pen = (timeStamp: number): Contact => ({ pointerId: 1, pointerType: "pen", width: 1, height: 1, timeStamp });
const finger = (timeStamp: number, size = 20): Contact => ({ pointerId: 2, pointerType: "touch", width: size, height: size, timeStamp });
const mouse: Contact = { pointerId: 3, pointerType: "mouse", width: 1, height: 1, timeStamp: 0 };

describe("which pointers draw", () => {
  test("without a pen a finger draws, and a mouse always does", () => {
    const palm = new Palm();
    expect(palm.down(finger(0))).toBe("draw");
    palm.down(pen(1));
    expect(palm.down(mouse)).toBe("draw");
  });
  test("while a pen is down or near, what touches is the hand that holds it", () => {
    const palm = new Palm();
    expect(palm.down(pen(0))).toBe("draw");
    expect(palm.down(finger(5000))).toBe("nothing");
    palm.up(pen(6000));
    expect(palm.down(finger(6300))).toBe("nothing");
    palm.move(pen(8000));
    expect(palm.down(finger(8100))).toBe("nothing");
  });
  test("who has used a pen moves the picture with a finger", () => {
    const palm = new Palm();
    palm.down(pen(0));
    palm.up(pen(100));
    expect(palm.down(finger(5000))).toBe("pan");
  });
  test("a whole hand is no finger", () => expect(new Palm().down(finger(0, 90))).toBe("nothing"));
});
