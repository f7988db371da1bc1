import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
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

const TEXT = /\.(js|css|html|svg|webmanifest)$/;
/** Below, a packet is a packet. */
const LEAST_BYTES = 1000;

/** Puts each text beside itself as br and gzip: the gateway sends what the browser takes, and packs nothing itself. */
function packed(): Plugin {
  const pack = (): void => {
    for (const file of readdirSync("dist", { recursive: true, withFileTypes: true })) {
      const path = join(file.parentPath, file.name);
      const content = file.isFile() && TEXT.test(file.name) ? readFileSync(path) : undefined;
      if (!content || content.length < LEAST_BYTES) continue;
      writeFileSync(`${path}.br`, brotliCompressSync(content));
      writeFileSync(`${path}.gz`, gzipSync(content, { level: 9 }));
    }
  };
  return { name: "packed", apply: "build", closeBundle: { order: "post", sequential: true, handler: pack } };
}

export default defineConfig({
  base: "/",
  plugins: [serviceWorker(), packed()],
  build: { outDir: "dist", target: "es2022", sourcemap: false, chunkSizeWarningLimit: 400 },
  server: { proxy: { "/auth": forwarded, "/uploads": forwarded, "/media": forwarded, "^/rushes\\..*": forwarded } },
});
