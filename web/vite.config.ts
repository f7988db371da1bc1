import { createHash } from "node:crypto";
import { build, defineConfig, type Plugin } from "vite";

/** Where `npm run dev` sends what is not the page: a running `rushes up`. */
const backend = process.env["RUSHES_BACKEND"] ?? "http://127.0.0.1:8080";
const forwarded = { target: backend, ws: true, changeOrigin: true, headers: { origin: backend } };

/** Files beside the page that it needs without a network. */
const BESIDE = ["/favicon.svg", "/manifest.webmanifest"];

/** Builds the service worker after the page, with the list of the page's files in it. */
function serviceWorker(): Plugin {
  let files: string[] = [];
  let version = "";
  return {
    name: "service-worker",
    apply: "build",
    generateBundle(_, bundle) {
      const built = Object.values(bundle).map((file) => ({ name: file.fileName, content: file.type === "chunk" ? file.code : file.source }));
      const hash = createHash("sha256");
      for (const { name, content } of built.sort((a, b) => (a.name < b.name ? -1 : 1))) hash.update(name).update(content);
      version = hash.digest("hex").slice(0, 16);
      files = [...built.map(({ name }) => `/${name}`).filter((path) => path !== "/index.html"), ...BESIDE];
    },
    async closeBundle() {
      await build({
        configFile: false,
        logLevel: "warn",
        define: { SHELL: JSON.stringify({ files, version }) },
        build: {
          outDir: "dist",
          emptyOutDir: false,
          copyPublicDir: false,
          target: "es2022",
          lib: { entry: "src/worker/worker.ts", formats: ["iife"], name: "worker", fileName: () => "worker.js" },
        },
      });
    },
  };
}

export default defineConfig({
  base: "/",
  plugins: [serviceWorker()],
  build: { outDir: "dist", target: "es2022", sourcemap: false, chunkSizeWarningLimit: 400 },
  server: { proxy: { "/auth": forwarded, "/uploads": forwarded, "/media": forwarded, "^/rushes\\..*": forwarded } },
});
