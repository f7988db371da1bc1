import { describe, expect, test } from "vitest";
import { Coming } from "./coming";

const NOTHING = { microphone: false, camera: false };
const BOTH = { microphone: true, camera: true };

describe("what is still to be turned on", () => {
  test("it is kept until each is on, so that a page that is loaded again meanwhile turns it on", async () => {
    const coming = new Coming(BOTH);
    const turned: string[] = [];
    await coming.turnOn((kind) => {
      turned.push(kind);
      expect(coming.with(NOTHING)).toEqual(kind === "microphone" ? BOTH : { microphone: false, camera: true });
      return Promise.resolve();
    });
    expect(turned).toEqual(["microphone", "camera"]);
    expect(coming.over).toBe(true);
  });

  test("who goes to another room meanwhile turns on there what is left, and here no more", async () => {
    const coming = new Coming(BOTH);
    const turned: string[] = [];
    let along;
    await coming.turnOn((kind) => {
      turned.push(kind);
      along = coming.goAlong("other");
      return Promise.resolve();
    });
    expect(along).toEqual({ room: "other", participant: "", parent: "", ...BOTH });
    expect(turned).toEqual(["microphone"]);
    expect(coming.goAlong("other")).toBeUndefined();
  });

  test("what was turned on and off again meanwhile does not go along", async () => {
    const coming = new Coming({ microphone: true, camera: true });
    await coming.turnOn((kind) => {
      if (kind === "camera") expect(coming.goAlong("other")).toMatchObject({ microphone: false, camera: true });
      return Promise.resolve();
    });
  });

  test("somebody new has nothing to be turned on", () => {
    expect(new Coming(undefined).over).toBe(true);
    expect(new Coming(undefined).with({ microphone: true, camera: false })).toEqual({ microphone: true, camera: false });
  });
});
