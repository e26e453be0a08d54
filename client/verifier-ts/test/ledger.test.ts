/** What the corpus has not: changes of validators, checkpoints, signers that may not sign, an event left out. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { ed25519 } from "@noble/curves/ed25519.js";
import { parseCheckpoint } from "../src/checkpoint.js";
import { parseFounding } from "../src/founding.js";
import { AnchorSchema } from "../src/gen/liuhen/v1/proof_pb.js";
import { type Verdict, verify, verifyFromCheckpoint } from "../src/index.js";
import { corpusFolder } from "./support/corpus.js";
import { type Lies, NEW, OLD, TestLedger, seed } from "./support/ledger.js";

/** The verdict, or the code of INVALID. */
function told(verdict: Verdict): string {
  if (verdict.verdict === "INVALID") return verdict.code;
  if (verdict.verdict === "UNDECIDABLE") assert.ok(!verdict.missing.includes("fault"), verdict.missing);
  return verdict.verdict;
}

function inclusionOf(lies: Lies = {}, parts: Parameters<TestLedger["trace"]>[1] = {}): string {
  const ledger = new TestLedger(lies);
  return told(verify(ledger.genesis, ledger.trace({ case: "inclusion", value: ledger.inclusion() }, parts)));
}

test("an event below a change of validators", () => assert.equal(inclusionOf(), "VALID"));

test("signers that may not sign", () => {
  const ledger = new TestLedger();
  assert.equal(inclusionOf({ key: { standing: [{ fromHeight: 2n }] } }), "signer.not_in_force");
  assert.equal(inclusionOf({ key: { standing: [{ untilHeight: 1n }] } }), "signer.not_in_force");
  assert.equal(inclusionOf({ key: { standing: [{ untilHeight: 2n }] } }), "VALID");
  assert.equal(inclusionOf({ key: { department: "other" } }), "signer.mismatch");
  assert.equal(inclusionOf({ key: { publicKey: ed25519.getPublicKey(seed(8)) } }), "signer.mismatch");
  assert.equal(inclusionOf({ key: { publicKey: new Uint8Array(32) } }), "signer.key", "y = 0 is of order 4");
  assert.equal(inclusionOf({ signature: new Uint8Array(64) }), "signature.bad");
  assert.equal(inclusionOf({}, { objects: ledger.signers(2) }), "UNDECIDABLE");
  assert.equal(inclusionOf({}, { transactions: [ledger.transaction, ledger.transaction] }), "file.unused");
});

test("two thirds of the power are not more than two thirds", () => {
  assert.equal(inclusionOf({ signers: 2 }), "certificate.bad");
});

test("changes of validators", () => {
  const ledger = new TestLedger();
  const anchored = (change: Partial<ReturnType<TestLedger["anchor"]>>): string => {
    const anchor = create(AnchorSchema, { ...ledger.anchor(), ...change });
    return told(verify(ledger.genesis, ledger.trace({ case: "inclusion", value: ledger.inclusion() }, { anchor })));
  };
  const [change] = ledger.anchor().changes;
  assert.ok(change);
  assert.equal(anchored({ changes: [] }), "anchor.validators");
  assert.equal(anchored({ changes: [change, change] }), "anchor.changes");
  assert.equal(
    anchored({ changes: [{ ...change, next: { ...change.next!, validators: OLD.set } }] }),
    "anchor.validators",
  );
  assert.equal(
    anchored({ changes: [{ ...change, next: { ...change.next!, validators: [...NEW.set].reverse() } }] }),
    "anchor.validators",
  );
  assert.equal(anchored({ changes: [{ ...change, certificate: ledger.certificate(3) }] }), "certificate.bad");
  assert.equal(told(verify(ledger.genesis, ledger.trace(undefined))), "claim.none");
});

test("from a checkpoint", () => {
  const ledger = new TestLedger();
  const pinned = (change: object = {}, text = ledger.checkpoint()): string => {
    const anchor = create(AnchorSchema, { ...ledger.pinned(), ...change });
    return told(verifyFromCheckpoint(text, ledger.trace({ case: "inclusion", value: ledger.inclusion() }, { anchor })));
  };
  const pin = ledger.pinned().pin!;
  assert.equal(pinned(), "VALID");
  assert.equal(pinned({ pin: undefined }), "UNDECIDABLE");
  assert.equal(pinned({}, ledger.checkpoint(3)), "UNDECIDABLE", "a proof for another size");
  assert.equal(pinned({}, "liuhen/\n"), "UNDECIDABLE");
  assert.equal(pinned({ header: ledger.headers[1], certificate: ledger.certificate(1) }), "UNDECIDABLE", "not above");
  assert.equal(pinned({ pin: { ...pin, header: ledger.headers[2] } }), "anchor.pin");
  assert.equal(pinned({ pin: { ...pin, path: [seed(1)] } }), "anchor.pin");
  assert.equal(pinned({ pin: { ...pin, next: { ...pin.next!, validators: OLD.set } } }), "anchor.validators");
  const fromGenesis = ledger.trace({ case: "inclusion", value: ledger.inclusion() }, { anchor: ledger.pinned() });
  assert.equal(told(verify(ledger.genesis, fromGenesis)), "UNDECIDABLE");
});

test("an event left out of its department's trail", () => {
  for (const omits of [true, false]) {
    const ledger = new TestLedger({ omits });
    const value = { included: ledger.inclusion(), trail: ledger.departmentTrail() };
    assert.equal(
      told(verify(ledger.genesis, ledger.trace({ case: "omission", value }))),
      omits ? "VALID" : "omission.none",
    );
    const complete = ledger.trace({ case: "completeness", value: ledger.departmentTrail() });
    assert.equal(
      told(verify(ledger.genesis, complete)),
      omits ? "file.unused" : "VALID",
      "signers of nothing are not needed",
    );
  }
});

test("texts that are no checkpoints", () => {
  const text = new TestLedger().checkpoint();
  assert.equal(parseCheckpoint(text)?.size, 2n);
  assert.equal(parseCheckpoint(text.split("\n\n")[0] ?? "")?.size, 2n);
  const bent = [
    "",
    text.replace("liuhen/", "other/"),
    text.replace("\n2\n", "\n02\n"),
    text.replace("\n2\n", "\n+2\n"),
    text.replace("\n2\n", "\n\n"),
  ];
  for (const it of [...bent, text.replace("\n2\n", "\n18446744073709551616\n"), text.replace("=", "")]) {
    assert.equal(parseCheckpoint(it), undefined, it);
  }
});

test("header 0 follows from the founding document", () => {
  const folder = corpusFolder();
  const { headerId } = parseFounding(readFileSync(join(folder, "genesis.pb")));
  // The earliest transactions of the corpus cite block 0 as the newest that their signers had seen.
  const file = readFileSync(join(folder, "department-good.trace"));
  assert.ok(file.includes(Buffer.from(headerId())));
});
