import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

vi.stubGlobal("location", { origin: "http://page" });
vi.stubGlobal("addEventListener", () => undefined);
const { Keeper } = await import("./settings");

class Shelf {
  text = "";
  version = 0;
  writes: string[] = [];
  down = false;
  read(): Promise<{ text: string; etag: string }> {
    if (this.down) return Promise.reject(new Error("down"));
    return Promise.resolve({ text: this.text, etag: String(this.version) });
  }
  write(_: string, text: string, etag: string): Promise<string | undefined> {
    if (this.down) return Promise.reject(new Error("down"));
    if (etag !== String(this.version)) return Promise.resolve(undefined);
    this.text = text;
    this.version++;
    this.writes.push(text);
    return Promise.resolve(String(this.version));
  }
}

const numbers = (raw: unknown): number[] => (Array.isArray(raw) ? (raw as number[]) : []);

describe("a setting", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test("it is changed at once and written a moment later, many changes together", async () => {
    const shelf = new Shelf();
    const keeper = new Keeper("x", numbers, shelf);
    await keeper.load();
    keeper.change((now) => [...now, 1]);
    keeper.change((now) => [...now, 2]);
    expect(keeper.value.value).toEqual([1, 2]);
    await vi.advanceTimersByTimeAsync(1000);
    expect(shelf.writes).toEqual(["[1,2]"]);
  });
  test("changes made before it was read are done on what is there", async () => {
    const shelf = new Shelf();
    shelf.text = "[7]";
    const keeper = new Keeper("x", numbers, shelf);
    keeper.change((now) => [...now, 1]);
    expect(keeper.value.value).toBeUndefined();
    await keeper.flush();
    expect([shelf.text, keeper.value.value]).toEqual(["[7,1]", [7, 1]]);
  });
  test("what another page wrote meanwhile is kept", async () => {
    const shelf = new Shelf();
    const [one, two] = [new Keeper("x", numbers, shelf), new Keeper("x", numbers, shelf)];
    await one.load();
    await two.load();
    one.change((now) => [...now, 1]);
    two.change((now) => [...now, 2]);
    await one.flush();
    await two.flush();
    expect(shelf.text).toBe("[1,2]");
  });
  test("what could not be written is tried again", async () => {
    const shelf = new Shelf();
    const keeper = new Keeper("x", numbers, shelf);
    await keeper.load();
    shelf.down = true;
    keeper.change((now) => [...now, 1]);
    await vi.advanceTimersByTimeAsync(2000);
    expect([keeper.value.value, shelf.writes.length]).toEqual([[1], 0]);
    shelf.down = false;
    await vi.advanceTimersByTimeAsync(10_000);
    expect(shelf.text).toBe("[1]");
  });
  test("what cannot be read as it should be is nothing", async () => {
    const shelf = new Shelf();
    shelf.text = "{";
    const keeper = new Keeper("x", numbers, shelf);
    await keeper.load();
    expect(keeper.value.value).toEqual([]);
  });
});
