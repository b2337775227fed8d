// Builds the app into ../dist (or --out DIR): hashed, split, reproducible.
import { build } from 'esbuild';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const arg = process.argv.indexOf('--out');
const out = resolve(arg > 0 ? process.argv[arg + 1] : join(here, '../dist'));

await rm(out, { recursive: true, force: true });
await mkdir(out, { recursive: true });
const result = await build({
  absWorkingDir: here,
  entryPoints: ['main.ts', 'style.css'],
  outdir: join(out, 'app'),
  entryNames: '[name]-[hash]',
  chunkNames: '[name]-[hash]',
  bundle: true,
  splitting: true,
  preserveSymlinks: true, // names in the output must not depend on where node_modules really is
  format: 'esm',
  platform: 'browser',
  target: ['chrome110', 'firefox115', 'safari16'],
  minify: true,
  charset: 'utf8',
  legalComments: 'linked',
  metafile: true,
  logLevel: 'warning',
});

const built = {};
for (const [file, info] of Object.entries(result.metafile.outputs)) {
  if (info.entryPoint) built[info.entryPoint] = basename(file);
}
const html = (await readFile(join(here, 'index.html'), 'utf8'))
  .replace('%STYLE%', built['style.css'])
  .replace('%MAIN%', built['main.ts']);
await writeFile(join(out, 'index.html'), html);
await writeFile(join(out, 'icon.svg'), await readFile(join(here, 'icon.svg')));
