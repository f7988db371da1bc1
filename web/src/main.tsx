/** Begins. */
import { render } from "preact";
import { App } from "./app/app";
import { follow } from "./app/router";
import "./ui/tokens.css";
import "./ui/base.css";
import "./app/app.css";

const root = document.getElementById("app");
if (!root) throw new Error("the page has no #app");
follow();
render(<App />, root);
