/** Begins. */
import { render } from "preact";
import { App } from "./app/app";
import { follow } from "./app/router";
import { beginWorker } from "./app/worker";
import { begin } from "./messages/language";
import "./ui/tokens.css";
import "./ui/base.css";
import "./ui/touch.css";
import "./app/app.css";

const root = document.getElementById("app");
if (!root) throw new Error("the page has no #app");
follow();
await begin();
render(<App />, root);
beginWorker();
