/** Where the corpus is. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The folder that `LIUHEN_VECTORS` names. Fails where it names none: a test that is left out proves nothing. */
export function corpusFolder(): string {
  const folder = process.env["LIUHEN_VECTORS"];
  assert.ok(
    folder,
    "LIUHEN_VECTORS names no folder: make the corpus with `scripts/vectors FOLDER`, and set it to FOLDER",
  );
  return folder;
}

/** The key of the witness that its verdicts know. */
export function witnessKey(folder: string): string {
  return readFileSync(join(folder, "witness.vkey"), "utf8").trimEnd();
}
