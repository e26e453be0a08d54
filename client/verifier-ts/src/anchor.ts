/** The anchor: a header that validators certified, whom one trusts from genesis or from a checkpoint on. */
import { equal } from "./bytes.js";
import type { Checkpoint } from "./checkpoint.js";
import type { Founding } from "./founding.js";
import type { Validator } from "./gen/liuhen/v1/consortium_pb.js";
import type { Anchor, Pin, ValidatorChange } from "./gen/liuhen/v1/proof_pb.js";
import { type Header, parseAnchored } from "./header.js";
import { HEADER_LOG, rootOfInclusion } from "./merkle.js";
import { needHashes } from "./hashes.js";
import { checkCertificate, isValidatorSet, validatorsHash } from "./validators.js";
import { Undecidable, demand } from "./verdict.js";

const MAX_CHANGES = 10_000;

/** What the verifier knows beforehand: the founding document, or a checkpoint that it noted. */
export type Trust = { founding: Founding } | { checkpoint: Checkpoint };

/** The chain that one trusts. */
export function chainOf(trust: Trust): Uint8Array {
  return "founding" in trust ? trust.founding.chain : trust.checkpoint.chain;
}

/** From where on trust is carried: a height, and the validators of the heights behind it. */
interface Beginning {
  height: bigint;
  validators: readonly Validator[];
}

/** Checks an anchor, and gives its header. */
export function verifyAnchor(anchor: Anchor | undefined, trust: Trust): Header {
  demand(anchor !== undefined, "anchor.none", "the file has no anchor");
  demand(anchor.changes.length <= MAX_CHANGES, "file.limits", "too many changes of validators");
  const chain = chainOf(trust);
  const header = parseAnchored(anchor.header, chain);
  if ("founding" in trust && header.height === 0n) return foundingAnchor(anchor, header, trust.founding);
  let current = begin(anchor.pin, header, trust);
  for (const change of anchor.changes) current = follow(change, current, header, chain);
  checkSet(header, current.validators);
  checkCertificate(anchor.certificate, header, current.validators);
  return header;
}

/** Header 0 is known; nobody certified it. */
function foundingAnchor(anchor: Anchor, header: Header, founding: Founding): Header {
  const isAlone = anchor.certificate === undefined && anchor.changes.length === 0 && anchor.pin === undefined;
  demand(isAlone && equal(header.id, founding.headerId()), "anchor.genesis", "not the founding header, alone");
  return header;
}

function begin(pin: Pin | undefined, anchor: Header, trust: Trust): Beginning {
  if ("founding" in trust) {
    if (pin !== undefined) throw new Undecidable("a proof from genesis: this one begins at a checkpoint");
    return { height: 0n, validators: trust.founding.validators };
  }
  const { checkpoint } = trust;
  if (pin === undefined) throw new Undecidable("a proof for this checkpoint: this one begins at genesis");
  if (pin.size !== checkpoint.size)
    throw new Undecidable(`a proof for a checkpoint of ${checkpoint.size} headers, not ${pin.size}`);
  const header = parseAnchored(pin.header, checkpoint.chain);
  needHashes(pin.path);
  const isLast = header.height + 1n === checkpoint.size;
  demand(isLast, "anchor.pin", "not the checkpoint's last header");
  const root = rootOfInclusion(HEADER_LOG, header.id, header.height, checkpoint.size, pin.path);
  demand(root !== undefined && equal(root, checkpoint.root), "anchor.pin", "not a header of the checkpoint");
  if (anchor.height <= header.height)
    throw new Undecidable(`a proof anchored above height ${header.height}, the checkpoint's last`);
  const validators = pin.next?.validators ?? [];
  const isNext = isValidatorSet(validators) && equal(validatorsHash(validators), header.nextValidatorsHash);
  demand(isNext, "anchor.validators", "not the validators behind the checkpoint");
  return { height: header.height, validators };
}

/** One change of validators on the way to the anchor. */
function follow(change: ValidatorChange, before: Beginning, anchor: Header, chain: Uint8Array): Beginning {
  const header = parseAnchored(change.header, chain);
  const isBetween = header.height > before.height && header.height < anchor.height;
  demand(isBetween, "anchor.changes", "a change out of order, or not below the anchor");
  checkSet(header, before.validators);
  checkCertificate(change.certificate, header, before.validators);
  const validators = change.next?.validators ?? [];
  const isNext = isValidatorSet(validators) && equal(validatorsHash(validators), header.nextValidatorsHash);
  demand(isNext, "anchor.validators", `not the validators behind header ${header.height}`);
  const isAnother = !equal(header.nextValidatorsHash, header.validatorsHash);
  demand(isAnother, "anchor.validators", "a change that changes nothing");
  return { height: header.height, validators };
}

function checkSet(header: Header, validators: readonly Validator[]): void {
  const isTheirs = equal(header.validatorsHash, validatorsHash(validators));
  demand(isTheirs, "anchor.validators", `header ${header.height} names other validators`);
}
