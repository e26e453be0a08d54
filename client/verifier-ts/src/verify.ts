/** From a file's bytes to a verdict: docs/spec/proofs.md. Nothing here reads a file, a clock or the network. */
import { type Trust, chainOf, verifyAnchor } from "./anchor.js";
import { equal, hex, utf8 } from "./bytes.js";
import { NotCanonical, tryDecode } from "./canonical.js";
import { parseCheckpoint } from "./checkpoint.js";
import { authorised } from "./claims/authorised.js";
import { completeness } from "./claims/completeness.js";
import { fork, omission } from "./claims/conflict.js";
import { consistency } from "./claims/consistency.js";
import { department } from "./claims/department.js";
import { inclusion } from "./claims/inclusion.js";
import { absence, state } from "./claims/state.js";
import { subject } from "./claims/subject.js";
import { Events } from "./events.js";
import type { File, Shown } from "./file.js";
import { parseFounding } from "./founding.js";
import { type CompletenessClaim, type Trace, TraceSchema } from "./gen/liuhen/v1/proof_pb.js";
import { type Witness, parseWitness } from "./note.js";
import { Objects } from "./objects.js";
import { checkCount } from "./size.js";
import { parseTransaction } from "./transactions.js";
import { Invalid, Undecidable, type Verdict, demand } from "./verdict.js";
import { checkWitnessed } from "./witnessed.js";

const MAX_BYTES = 8 * 1024 * 1024;
const MAX_TRANSACTIONS = 20_000;
const MAX_EVENTS = 20_000;
const MAGIC = "LIUHEN-TRACE-1";
const FAMILY = "LIUHEN-TRACE-";

/** The caveat of a file that no known witness signed. */
const NO_WITNESS =
  "no witness that is known saw it: more than two thirds of the validators of any time together, also those whose keys are out of use, could write two histories";

/**
 * Checks a proof file against the founding document. `vkeys` are the verifier keys of witnesses that one knows,
 * from themselves and never from a file or a ledger. Never throws.
 */
export function verify(genesis: Uint8Array, trace: Uint8Array, vkeys: readonly string[] = []): Verdict {
  return verifyKnowing(trustGenesis(genesis), trace, vkeys);
}

/** Checks a proof file against a checkpoint (C2SP tlog-checkpoint) that the verifier noted; else as `verify`. */
export function verifyFromCheckpoint(text: string, trace: Uint8Array, vkeys: readonly string[] = []): Verdict {
  return verifyKnowing(trustCheckpoint(text), trace, vkeys);
}

function verifyKnowing(trust: Trust | string, trace: Uint8Array, vkeys: readonly string[]): Verdict {
  const given = [trust, ...vkeys.map(knowWitness)];
  const missing = given.find((it) => typeof it === "string");
  if (missing !== undefined) return { verdict: "UNDECIDABLE", missing };
  const [known, ...witnesses] = given as [Trust, ...Witness[]];
  return verifyAgainst(known, trace, witnesses);
}

/** Reads a founding document once, for many files. What is missing, as a text, where it can't be one. */
export function trustGenesis(genesis: Uint8Array): Trust | string {
  try {
    return { founding: parseFounding(genesis) };
  } catch (error) {
    if (error instanceof NotCanonical || error instanceof Undecidable) return `a founding document: ${error.message}`;
    return `a verifier without this fault: ${error}`;
  }
}

/** Reads a checkpoint's text. What is missing, as a text, where it is none. */
export function trustCheckpoint(text: string): Trust | string {
  const checkpoint = parseCheckpoint(text);
  return checkpoint === undefined ? "a checkpoint of a Liuhen chain" : { checkpoint };
}

/** Reads a witness's verifier key, `name+hash+base64`. What is missing, as a text, where it is none. */
export function knowWitness(vkey: string): Witness | string {
  return parseWitness(vkey) ?? "a verifier key of a witness, name+hash+base64, of type 4";
}

/** Checks a proof file against what is trusted, knowing witnesses. Never throws. */
export function verifyAgainst(trust: Trust, trace: Uint8Array, witnesses: readonly Witness[] = []): Verdict {
  return toVerdict(() => verifyTrace(trust, trace, witnesses));
}

/** What is thrown becomes a verdict. What nobody foresaw is a fault of this program, which then says nothing. */
function toVerdict(check: () => Verdict): Verdict {
  try {
    return check();
  } catch (error) {
    if (error instanceof Invalid) return { verdict: "INVALID", code: error.code, why: error.message };
    if (error instanceof Undecidable) return { verdict: "UNDECIDABLE", missing: error.message };
    return { verdict: "UNDECIDABLE", missing: `a verifier without this fault: ${error}` };
  }
}

function verifyTrace(trust: Trust, bytes: Uint8Array, known: readonly Witness[]): Verdict {
  const trace = readTrace(bytes);
  demand(equal(trace.chainId, chainOf(trust)), "chain.other", "the file is of another chain");
  const anchor = verifyAnchor(trace.anchor, trust);
  const witnesses = trace.witnessed === undefined ? [] : checkWitnessed(trace.witnessed, anchor, known);
  demand(trace.transactions.length <= MAX_TRANSACTIONS, "file.limits", "too many transactions");
  const transactions = trace.transactions.map((it) => parseTransaction(it, anchor.chain));
  const objects = new Objects(trace.objects, anchor.mapRoot);
  const events = new Events(transactions, objects, anchor);
  demand(countEvents(trace.claim) <= MAX_EVENTS, "file.limits", "too many events");
  const shown = checkClaim(trace.claim, { trust, anchor, objects, events });
  events.checkAllUsed();
  objects.checkAllRead();
  events.checkSignatures();
  const { height, timeMs } = anchor;
  const caveats = witnesses.length > 0 ? shown.caveats : [NO_WITNESS, ...shown.caveats];
  const statement = {
    claim: trace.claim.case ?? "",
    shows: shown.shows,
    anchor: { chain: hex(anchor.chain), height, timeMs },
    witnesses,
    caveats,
  };
  return { verdict: "VALID", statement };
}

function readTrace(bytes: Uint8Array): Trace {
  refuseOtherFormat(bytes);
  demand(bytes.length <= MAX_BYTES, "file.limits", `${bytes.length} bytes; at most ${MAX_BYTES} are read`);
  checkCount(TraceSchema, bytes);
  const trace = tryDecode(TraceSchema, bytes, MAX_BYTES);
  demand(trace !== undefined, "file.malformed", "not a canonical proof file");
  demand(trace.magic === MAGIC, "file.malformed", "not a proof file");
  return trace;
}

/** A file of a later format says so in its first field; nothing else of it need be as it is here. */
function refuseOtherFormat(bytes: Uint8Array): void {
  const [tag, length = 0] = bytes;
  if (tag !== 0x0a || bytes.length < 2 + length) return;
  const magic = bytes.subarray(2, 2 + length);
  const isOfFamily = equal(magic.subarray(0, FAMILY.length), utf8(FAMILY));
  if (isOfFamily && !equal(magic, utf8(MAGIC))) throw new Undecidable(`a verifier of another format than ${MAGIC}`);
}

/** How many events a claim gives, in all its parts, whatever they are. */
function countEvents(claim: Trace["claim"]): number {
  const inTrails = (...trails: (CompletenessClaim | undefined)[]): number =>
    trails.reduce((sum, it) => sum + (it?.events.length ?? 0), 0);
  switch (claim.case) {
    case "inclusion":
    case "authorised":
      return 1;
    case "completeness":
      return inTrails(claim.value);
    case "absence":
      return claim.value.of.case === "transaction" ? inTrails(claim.value.of.value.trail) : 0;
    case "omission":
      return 1 + inTrails(claim.value.trail);
    case "department":
      return inTrails(claim.value.trail, ...claim.value.keys);
    case "subject":
      return inTrails(...claim.value.subjects.flatMap((it) => [it.listed, it.unlisted]));
    default:
      return 0;
  }
}

function checkClaim(claim: Trace["claim"], file: File): Shown {
  switch (claim.case) {
    case undefined:
      return demand(false, "claim.none", "nothing is claimed") as never;
    case "inclusion":
      return inclusion(claim.value, file);
    case "completeness":
      return completeness(claim.value, file);
    case "consistency":
      return consistency(claim.value, file);
    case "state":
      return state(claim.value, file);
    case "absence":
      return absence(claim.value, file);
    case "fork":
      return fork(claim.value, file);
    case "omission":
      return omission(claim.value, file);
    case "authorised":
      return authorised(claim.value, file);
    case "department":
      return department(claim.value, file);
    case "subject":
      return subject(claim.value, file);
  }
}
