#!/usr/bin/env node
/** `liuhen-verify-ts`: verifies proof files. The only part that reads files. */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import type { Trust } from "./anchor.js";
import type { Verdict } from "./verdict.js";
import { trustCheckpoint, trustGenesis, verifyAgainst } from "./verify.js";

const USAGE = `usage: liuhen-verify-ts (--genesis FILE | --checkpoint FILE) [--json] FILES…

Verifies proof files (.trace) against the founding document, or against a checkpoint that you noted.
Exit code: 0 all VALID, 3 one INVALID, 4 one UNDECIDABLE and none INVALID, 2 wrong usage, 1 a file can't be read.`;

/** Exit codes: those of verdicts stand in docs/spec/proofs.md. */
const EXIT = { VALID: 0, UNREADABLE: 1, USAGE: 2, INVALID: 3, UNDECIDABLE: 4 } as const;

/** Thrown to end with a message and an exit code. */
class Stop extends Error {
  constructor(
    readonly code: number,
    message: string,
  ) {
    super(message);
  }
}

interface Arguments {
  genesis: string | undefined;
  checkpoint: string | undefined;
  json: boolean;
  files: string[];
}

function readArguments(): Arguments {
  try {
    const options = {
      genesis: { type: "string" },
      checkpoint: { type: "string" },
      json: { type: "boolean" },
      help: { type: "boolean" },
    } as const;
    const { values, positionals } = parseArgs({ options, allowPositionals: true });
    if (values.help === true) throw new Stop(EXIT.VALID, USAGE);
    return { genesis: values.genesis, checkpoint: values.checkpoint, json: values.json === true, files: positionals };
  } catch (error) {
    if (error instanceof Stop) throw error;
    throw new Stop(EXIT.USAGE, `${(error as Error).message}\n\n${USAGE}`);
  }
}

function read(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new Stop(EXIT.UNREADABLE, (error as Error).message);
  }
}

function readTrust({ genesis, checkpoint }: Arguments): Trust {
  if ((genesis === undefined) === (checkpoint === undefined)) throw new Stop(EXIT.USAGE, USAGE);
  const trust =
    genesis !== undefined
      ? trustGenesis(read(genesis))
      : trustCheckpoint(new TextDecoder().decode(read(checkpoint as string)));
  if (typeof trust === "string") throw new Stop(EXIT.USAGE, `needed: ${trust}`);
  return trust;
}

/** A verdict as a line of JSON. Numbers that may be beyond 2⁵³ are texts. */
function asJson(file: string, verdict: Verdict): string {
  return JSON.stringify({ file, ...verdict }, (_, value) => (typeof value === "bigint" ? value.toString() : value));
}

function asText(file: string, verdict: Verdict): string {
  switch (verdict.verdict) {
    case "INVALID":
      return `${file}: INVALID (${verdict.code}): ${verdict.why}`;
    case "UNDECIDABLE":
      return `${file}: UNDECIDABLE: needed is ${verdict.missing}`;
    case "VALID": {
      const { claim, shows, anchor, caveats } = verdict.statement;
      const asOf = `as of height ${anchor.height}, block time ${anchor.timeMs} ms, chain ${anchor.chain}`;
      return [`${file}: VALID (${claim}): ${shows}`, `  ${asOf}`, ...caveats.map((it) => `  open: ${it}`)].join("\n");
    }
  }
}

function main(): number {
  const given = readArguments();
  if (given.files.length === 0) throw new Stop(EXIT.USAGE, USAGE);
  const trust = readTrust(given);
  const found = new Set<Verdict["verdict"]>();
  for (const file of given.files) {
    const verdict = verifyAgainst(trust, read(file));
    found.add(verdict.verdict);
    console.log(given.json ? asJson(file, verdict) : asText(file, verdict));
  }
  // Of several files the worst decides.
  const worst = (["INVALID", "UNDECIDABLE"] as const).find((it) => found.has(it)) ?? "VALID";
  return EXIT[worst];
}

try {
  process.exitCode = main();
} catch (error) {
  if (!(error instanceof Stop)) throw error;
  console.error(error.message);
  process.exitCode = error.code;
}
