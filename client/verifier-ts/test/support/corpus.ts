/** Where the corpus is. */
import assert from "node:assert/strict";

/** The folder that `LIUHEN_VECTORS` names. Fails where it names none: a test that is left out proves nothing. */
export function corpusFolder(): string {
  const folder = process.env["LIUHEN_VECTORS"];
  assert.ok(
    folder,
    "LIUHEN_VECTORS names no folder: make the corpus with `scripts/vectors FOLDER`, and set it to FOLDER",
  );
  return folder;
}
