// Bundles one page a peer into the folder that is given, where the packages are.
import { build } from "esbuild";
import { writeFileSync } from "node:fs";

const folder = process.argv[2];
const loader = { ".woff2": "dataurl", ".woff": "dataurl", ".ttf": "dataurl", ".svg": "dataurl" };
for (const name of ["tldraw", "excalidraw"]) {
  await build({
    entryPoints: [`${folder}/${name}.jsx`],
    outdir: `${folder}/pages`,
    bundle: true,
    minify: true,
    format: "iife",
    jsx: "automatic",
    conditions: ["production"],
    loader,
    define: { "process.env.NODE_ENV": '"production"', "process.env.IS_PREACT": '"false"', "import.meta.env": "{}" },
  });
  const style = "html, body, #root { margin: 0; width: 100%; height: 100%; overflow: hidden }";
  const head = `<meta charset="utf-8"><title>${name}</title><link rel="stylesheet" href="${name}.css"><style>${style}</style>`;
  writeFileSync(`${folder}/pages/${name}.html`, `<!doctype html>${head}<div id="root"></div><script src="${name}.js"></script>`);
}
