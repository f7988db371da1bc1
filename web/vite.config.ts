import { defineConfig } from "vite";

/** Where `npm run dev` sends what is not the page: a running `rushes up`. */
const backend = process.env["RUSHES_BACKEND"] ?? "http://127.0.0.1:8080";
const forwarded = { target: backend, ws: true, changeOrigin: true, headers: { origin: backend } };

export default defineConfig({
  base: "/",
  build: { outDir: "dist", target: "es2022", sourcemap: false, chunkSizeWarningLimit: 400 },
  server: { proxy: { "/auth": forwarded, "/uploads": forwarded, "/media": forwarded, "^/rushes\\..*": forwarded } },
});
