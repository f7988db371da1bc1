/** One's own menu: name, colour, password, sign-out. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { identity } from "../app/api";
import { me, signOut, type Me } from "../app/auth";
import { explain, isWrongPassword } from "../app/error";
import { toggleOverlay } from "../app/overlay";
import { Field } from "../app/signin";
import { currentLanguage, t } from "../messages";
import { choose, LANGUAGES, type LanguageCode } from "../messages/language";
import { Button } from "../ui/button";
import { Item, Menu } from "../ui/menu";
import { Avatar } from "../ui/person";
import { say } from "../ui/toast";
import { pendingElsewhere } from "../session/keep";

function hex(color: number): string {
  return `#${color.toString(16).padStart(6, "0")}`;
}

function Profile({ close }: { close: () => void }): JSX.Element | null {
  const self = me.value;
  const [name, setName] = useState(self?.name ?? "");
  const [color, setColor] = useState(hex(self?.color ?? 0));
  const [oldPassword, setOld] = useState("");
  const [newPassword, setNew] = useState("");
  const [error, setError] = useState("");
  if (!self) return null;
  const save = async (event: Event): Promise<void> => {
    event.preventDefault();
    try {
      const change = { name: name.trim(), color: parseInt(color.slice(1), 16), oldPassword, newPassword };
      const { person } = await identity.updateMe(change);
      if (person) me.value = { ...self, name: person.name, color: person.color };
      close();
      say({ title: t("account.saved"), look: "good" });
    } catch (failure) {
      setError(isWrongPassword(failure) ? t("account.wrong") : explain(failure));
    }
  };
  return (
    <form class="share column" onSubmit={save}>
      <Field label={t("account.name")} name="name" complete="name" focus value={name} onInput={setName} />
      <label class="field">
        <span>{t("account.color")}</span>
        <input class="input" type="color" value={color} onInput={(event) => setColor(event.currentTarget.value)} />
      </label>
      {!self.guest && (
        <>
          <Field
            label={t("account.oldPassword")}
            name="old"
            type="password"
            complete="current-password"
            required={newPassword !== ""}
            value={oldPassword}
            onInput={setOld}
          />
          <Field
            label={t("account.newPassword")}
            name="new"
            type="password"
            complete="new-password"
            required={false}
            value={newPassword}
            onInput={setNew}
          />
        </>
      )}
      {error && (
        <p class="error" role="alert">
          {error}
        </p>
      )}
      <Button type="submit" look="primary" label={t("account.save")}>
        {t("account.save")}
      </Button>
    </form>
  );
}

async function leave(): Promise<void> {
  if ((await pendingElsewhere()) > 0) {
    say({
      title: t("account.unsent"),
      detail: t("account.unsentDetail"),
      action: { label: t("account.signOutAnyway"), run: () => void end() },
    });
    return;
  }
  await end();
}

async function end(): Promise<void> {
  try {
    await signOut();
  } catch (error) {
    say({ title: t("account.signOutFailed"), detail: explain(error), look: "bad" });
  }
}

function Languages(): JSX.Element {
  const here = currentLanguage();
  const take = (code: LanguageCode): void => {
    choose(code).catch((error: unknown) => say({ title: explain(error), look: "bad" }));
  };
  return (
    <div role="menu" aria-label={t("account.language")}>
      {(Object.entries(LANGUAGES) as [LanguageCode, string][]).map(([code, name]) => (
        <Item key={code} checked={code === here} onClick={() => take(code)}>
          <span lang={code}>{name}</span>
        </Item>
      ))}
    </div>
  );
}

/** What is in the menu; it begins anew whenever that is opened. */
function Inside({ self, close }: { self: Me; close: () => void }): JSX.Element {
  const [editing, setEditing] = useState(false);
  if (editing) return <Profile close={close} />;
  return (
    <>
      <p class="menu-name clip">
        {self.name}
        <span class="faint"> {self.email}</span>
      </p>
      <hr />
      <Item icon="person" onClick={() => setEditing(true)}>
        {self.guest ? t("account.profileGuest") : t("account.profile")}
      </Item>
      <hr />
      <Languages />
      <hr />
      <Item
        icon="help"
        onClick={() => {
          close();
          toggleOverlay("keys");
        }}
      >
        {t("keys.title")}
      </Item>
      <hr />
      <Item
        icon="back"
        onClick={() => {
          close();
          void leave();
        }}
      >
        {t("account.signOut")}
      </Item>
    </>
  );
}

/** The menu. */
export function Account(): JSX.Element | null {
  const self = me.value;
  if (!self) return null;
  return (
    <Menu label={t("account.menu", { name: self.name })} face={<Avatar name={self.name} color={self.color} />}>
      {(close) => <Inside self={self} close={close} />}
    </Menu>
  );
}
