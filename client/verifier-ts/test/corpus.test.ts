/**
 * The published corpus: every file must have the verdict, and where it is INVALID the code, that stands in
 * `verdicts.txt`.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { verify } from "../src/index.js";
import { corpusFolder, witnessKey } from "./support/corpus.js";

/** Files that are wrong in more ways than one, for which docs/spec/proofs.md allows another code. */
const OTHER_CODES: ReadonlySet<string> = new Set();

test("every file of the corpus has its published verdict", () => {
  const folder = corpusFolder();
  const genesis = readFileSync(join(folder, "genesis.pb"));
  const vkey = witnessKey(folder);
  const lines = readFileSync(join(folder, "verdicts.txt"), "utf8").trimEnd().split("\n");
  const differing: string[] = [];
  const otherCodes: string[] = [];
  for (const line of lines) {
    const [name = "", digest, verdict, code] = line.split(" ");
    const bytes = readFileSync(join(folder, name));
    assert.equal(createHash("sha256").update(bytes).digest("hex"), digest, `${name} is another file`);
    const found = verify(genesis, bytes, [vkey]);
    const foundCode = found.verdict === "INVALID" ? found.code : "-";
    const told = JSON.stringify(found, (_, value) => (typeof value === "bigint" ? value.toString() : value));
    if (found.verdict !== verdict) differing.push(`${line}: ${told}`);
    else if (foundCode !== code) otherCodes.push(`${line}: ${told}`);
  }
  const agree = lines.length - differing.length;
  console.log(`${agree} of ${lines.length} verdicts agree; ${otherCodes.length} with another code`);
  for (const line of otherCodes) console.log(`  ${line}`);
  assert.deepEqual(differing, []);
  const unexpected = otherCodes.filter((line) => !OTHER_CODES.has(line.split(" ")[0] ?? ""));
  assert.deepEqual(unexpected, []);
});
