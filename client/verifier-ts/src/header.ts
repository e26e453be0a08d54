/** Block headers: 288 bytes, docs/spec/encoding.md, "Headers". */
import { Cursor, equal, textOf } from "./bytes.js";
import { headerLeaf } from "./merkle.js";
import { Undecidable, demand } from "./verdict.js";

export const HEADER_BYTES = 288;
/** The protocol and the suite (BLAKE3, SHA-256, Ed25519) that this verifier knows. */
export const PROTOCOL = 1;
export const SUITE = 1;
const MAGIC = "LHB1";

export interface Header {
  protocol: number;
  suite: number;
  chain: Uint8Array;
  height: bigint;
  timeMs: bigint;
  /** Key id. */
  proposer: Uint8Array;
  /** `H_cert` of the certificate of the block before, as this block carries it. */
  lastCommit: Uint8Array;
  /** RFC 6962 root of headers 0 … height − 1. */
  logRoot: Uint8Array;
  eventCount: number;
  /** Log over the leaves of the block's events. */
  eventsRoot: Uint8Array;
  /** The map after this block. */
  mapRoot: Uint8Array;
  validatorsHash: Uint8Array;
  nextValidatorsHash: Uint8Array;
  /** Block id: SHA-256(0x00 ‖ header). */
  id: Uint8Array;
}

/**
 * Reads a header by which validators are told, of an anchor: as `parseHeader`, and UNDECIDABLE where its
 * protocol or suite is another.
 */
export function parseAnchored(bytes: Uint8Array, chain: Uint8Array): Header {
  const header = readHeader(bytes);
  if (header.protocol !== PROTOCOL || header.suite !== SUITE) {
    throw new Undecidable(`protocol ${header.protocol}, suite ${header.suite}; this verifier knows 1 and 1`);
  }
  demand(equal(header.chain, chain), "chain.other", "a header of another chain");
  return header;
}

/** Reads a header below an anchor. Throws `header.malformed`, `chain.other`. */
export function parseHeader(bytes: Uint8Array, chain: Uint8Array): Header {
  const header = readHeader(bytes);
  demand(equal(header.chain, chain), "chain.other", "a header of another chain");
  return header;
}

function readHeader(bytes: Uint8Array): Header {
  demand(bytes.length === HEADER_BYTES, "header.malformed", `a header has 288 bytes, this has ${bytes.length}`);
  const at = new Cursor(bytes);
  demand(textOf(at.take(4)) === MAGIC, "header.malformed", "a header begins with LHB1");
  return {
    protocol: at.u32(),
    suite: at.u32(),
    chain: at.take(32),
    height: at.u64(),
    timeMs: at.u64(),
    proposer: at.take(32),
    lastCommit: at.take(32),
    logRoot: at.take(32),
    eventCount: at.u32(),
    eventsRoot: at.take(32),
    mapRoot: at.take(32),
    validatorsHash: at.take(32),
    nextValidatorsHash: at.take(32),
    id: headerLeaf(bytes),
  };
}
