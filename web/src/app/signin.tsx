/** Sign-in. */
import type { ComponentChildren, JSX, TargetedInputEvent } from "preact";
import { useState } from "preact/hooks";
import { t } from "../messages";
import { Button } from "../ui/button";
import { signIn } from "./auth";
import { explain, HttpError } from "./error";
import { navigate } from "./router";

/** A small form in the middle of the page. */
export function Door({ title, lead, children }: { title: string; lead?: ComponentChildren; children: ComponentChildren }): JSX.Element {
  return (
    <main class="door">
      <div class="door-box">
        <Mark />
        <h1>{title}</h1>
        {lead && <p class="dim">{lead}</p>}
        {children}
      </div>
    </main>
  );
}

/** The sign of the product. */
export function Mark(): JSX.Element {
  return (
    <svg class="mark" width="28" height="28" viewBox="0 0 32 32" aria-hidden="true">
      <path d="M9 6h5v20H9zM18 6h5v20h-5z" fill="#3a3a3a" />
      <path d="M5 20c6-10 11 6 22-8" fill="none" stroke="var(--accent)" stroke-width="3" stroke-linecap="round" />
    </svg>
  );
}

export interface FieldProps {
  label: string;
  name: string;
  type?: "text" | "email" | "password";
  value: string;
  complete: string;
  required?: boolean;
  focus?: boolean;
  onInput: (value: string) => void;
}

/** A field with its name above it. */
export function Field(props: FieldProps): JSX.Element {
  const given = {
    class: "input",
    name: props.name,
    autocomplete: props.complete,
    required: props.required ?? true,
    value: props.value,
    ref: (element: HTMLInputElement | null): void => {
      if (props.focus && element && document.activeElement === document.body) element.focus();
    },
    onInput: (event: TargetedInputEvent<HTMLInputElement>): void => props.onInput(event.currentTarget.value),
  };
  return (
    <label class="field">
      <span>{props.label}</span>
      {props.type === "password" ? (
        <input type="password" {...given} />
      ) : props.type === "email" ? (
        <input type="email" {...given} />
      ) : (
        <input type="text" {...given} />
      )}
    </label>
  );
}

/** The page that signs in. */
export function SignIn({ next }: { next: string }): JSX.Element {
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState("");
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setError("");
    // What stands in the fields: what was typed or filled in last may not have been rendered yet.
    const fields = new FormData(event.currentTarget as HTMLFormElement);
    const [given, secret] = ["email", "password"].map((name) => fields.get(name) as string);
    try {
      await signIn((given ?? email).trim(), secret ?? password);
      navigate(next, true);
    } catch (failure) {
      setError(failure instanceof HttpError && failure.status === 401 ? t("signin.wrong") : explain(failure));
      setBusy(false);
    }
  };
  return (
    <Door title={t("signin.title")}>
      <form class="column" onSubmit={submit}>
        <Field label={t("signin.email")} name="email" type="email" complete="username" value={email} focus onInput={setEmail} />
        <Field
          label={t("signin.password")}
          name="password"
          type="password"
          complete="current-password"
          value={password}
          onInput={setPassword}
        />
        {error && (
          <p class="error" role="alert">
            {error}
          </p>
        )}
        <Button type="submit" look="primary" label={t("signin.submit")} disabled={busy}>
          {t("signin.submit")}
        </Button>
      </form>
    </Door>
  );
}
