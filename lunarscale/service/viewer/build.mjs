/**
 * Builds static/ from source/: one script, one style sheet, one page, the type and the licences.
 *
 *     npm ci && npm run build
 *
 * Names hold a hash of what is in the file, so that browsers may keep them for ever. manifest.json
 * says which file is which (the service serves these and no other) and what they were built from.
 */

import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = fileURLToPath(new URL(".", import.meta.url));
const source = join(here, "source");
const target = process.argv[2] ?? join(here, "static");

/** Where the files are asked for; routes/viewer.py. */
const ADDRESS = "/viewer/";

const sha256 = (/** @type {string | Uint8Array} */ content) =>
  createHash("sha256").update(content).digest("hex");

/** A file's name with a part of its content's hash. */
function named(name, content) {
  const dot = name.lastIndexOf(".");
  return `${name.slice(0, dot)}-${sha256(content).slice(0, 10)}${name.slice(dot)}`;
}

/** What everything here is made from, as tests/service/test_viewer_static.py works it out too. */
async function digestOfSources() {
  const names = (await readdir(source)).sort();
  const files = [
    ...names.map((name) => ["source/" + name, join(source, name)]),
    ...["build.mjs", "package-lock.json"].map((name) => [name, join(here, name)]),
  ];
  const lines = [];
  for (const [name, path] of files) lines.push(`${sha256(await readFile(path))}  ${name}\n`);
  return sha256(lines.join(""));
}

/** The licences of what is built in, each as its package has it. */
async function licences(packages) {
  const parts = [];
  for (const name of [...packages].sort()) {
    const folder = join(here, "node_modules", name);
    const { version, license } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
    const file = (await readdir(folder)).find((each) => /^licen[cs]e/i.test(each));
    const text = file ? await readFile(join(folder, file), "utf8") : `Licence: ${license}`;
    parts.push(`${name} ${version}\n${"=".repeat(72)}\n\n${text.trim()}\n`);
  }
  return parts.join("\n\n");
}

const built = await build({
  absWorkingDir: here,
  entryPoints: ["source/main.js", "source/style.css"],
  outdir: "/built",
  bundle: true,
  format: "esm",
  target: ["es2022", "chrome111", "firefox111", "safari16.4"],
  minify: true,
  legalComments: "none",
  metafile: true,
  write: false,
  loader: { ".woff2": "file" },
  assetNames: "[name]-[hash]",
  publicPath: ADDRESS,
});

/** @type {Record<string, Uint8Array>} */
const files = {};
/** @type {Record<string, string>} */
const nameOf = {};
for (const { path, contents } of built.outputFiles) {
  const plain = path.split("/").at(-1);
  const name = plain.endsWith(".woff2") ? plain : named(plain, contents);
  nameOf[plain] = name;
  files[name] = contents;
}
const icon = await readFile(join(source, "icon.svg"));
nameOf["icon.svg"] = named("icon.svg", icon);
files[nameOf["icon.svg"]] = icon;

const page = await readFile(join(source, "index.html"), "utf8");
files["index.html"] = new TextEncoder().encode(
  page.replace(/\{\{(.+?)\}\}/g, (_, name) => ADDRESS + nameOf[name]),
);

const packages = new Set(
  Object.keys(built.metafile.inputs)
    .map((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1])
    .filter((name) => name !== undefined),
);
files["LICENSES.txt"] = new TextEncoder().encode(await licences(packages));
files["manifest.json"] = new TextEncoder().encode(
  JSON.stringify({ built_from: await digestOfSources(), files: Object.keys(files).sort() }, null, 1) + "\n",
);

await rm(target, { recursive: true, force: true });
await mkdir(target, { recursive: true });
for (const [name, content] of Object.entries(files)) await writeFile(join(target, name), content);
for (const [name, content] of Object.entries(files)) {
  console.log(`${String(content.length).padStart(8)}  ${name}`);
}
