/** Events of a file: each leaf stands for bytes that are given, signed by a key in force, or the ledger's own. */
import { equal, hex } from "./bytes.js";
import { NotCanonical, tryDecode } from "./canonical.js";
import { StandingChangeSchema } from "./gen/liuhen/v1/consortium_pb.js";
import {
  DeadlineSchema,
  GrantEndSchema,
  IntegrityEndSchema,
  type LedgerEvent,
  LedgerEventSchema,
  ProposalEndSchema,
} from "./gen/liuhen/v1/event_pb.js";
import { IntegrityRuleSchema, WatchKindSchema } from "./gen/liuhen/v1/oversight_pb.js";
import { DepartmentSchema, IdentitySchema, type Interval, KeySchema } from "./gen/liuhen/v1/ledger_pb.js";
import type { ProvedEvent } from "./gen/liuhen/v1/proof_pb.js";
import type { RecordAccess } from "./gen/liuhen/v1/access_pb.js";
import type { Item, TransactionHeader } from "./gen/liuhen/v1/transaction_pb.js";
import { ZERO, hash } from "./hash.js";
import { needHashes } from "./hashes.js";
import type { Header } from "./header.js";
import { BadItem, isNamed } from "./items/fields.js";
import { ITEM_BYTES, parseItem, trailsOfItem } from "./items/item.js";
import { type Leaf, parseLeaf } from "./leaf.js";
import { TRAIL_LOG, rootOfInclusion } from "./merkle.js";
import type { Objects } from "./objects.js";
import { type Place, place, textKey } from "./places.js";
import { isUsableKey, keyId, verifies } from "./signature.js";
import { type Transaction, numberOf } from "./transactions.js";
import { trailsOfLedgerEvent } from "./trails.js";
import { Invalid, demand } from "./verdict.js";

/** What a leaf stands for. */
export type Body = { by: "signer"; header: TransactionHeader; item: Item } | { by: "ledger"; event: LedgerEvent };

export interface Event {
  leaf: Leaf;
  body: Body;
}

/** The trails of an event; some may be there twice. */
export function trailsOf({ leaf, body }: Event): Place[] {
  if (body.by === "ledger") return trailsOfLedgerEvent(body.event);
  return trailsOfItem(body.header, leaf.item, body.item);
}

/** Whether an event is on a trail. */
export function isOn(event: Event, trail: Place): boolean {
  return trailsOf(event).some((it) => textKey(it) === textKey(trail));
}

/** The number of a signed event on its key's trail. */
export function keyNumberOf({ leaf, body }: Event): bigint | undefined {
  return body.by === "signer" ? numberOf(body.header, leaf.item) : undefined;
}

/** The access record that an event is: a gateway's, and nothing else. */
export function recordOf({ body }: Event): RecordAccess | undefined {
  if (body.by !== "signer" || body.item.kind.case !== "recordAccess") return undefined;
  return body.item.kind.value;
}

/** The record in an event, also one handed over or opened, and whose numbering it is part of. */
export function anyRecordOf({ body }: Event): { record: RecordAccess; gateway: Uint8Array } | undefined {
  if (body.by !== "signer") return undefined;
  const { kind } = body.item;
  switch (kind.case) {
    case "recordAccess":
      return { record: kind.value, gateway: body.header.identityId };
    case "manualHandover":
      return kind.value.record && { record: kind.value.record, gateway: body.header.identityId };
    case "openSealed":
      return kind.value.record && { record: kind.value.record, gateway: kind.value.gatewayId };
    default:
      return undefined;
  }
}

/** Whether one of the intervals holds a height. */
export function holdsAt(standing: readonly Interval[], height: bigint): boolean {
  return standing.some((it) => it.fromHeight <= height && (it.untilHeight === undefined || height < it.untilHeight));
}

/** Reads a file's events, and notes which transactions they are of. */
export class Events {
  private readonly used = new Set<Transaction>();

  constructor(
    private readonly transactions: readonly Transaction[],
    private readonly objects: Objects,
    private readonly anchor: Header,
  ) {}

  /** Checks a leaf and what it stands for. Signatures are judged by `checkSignatures`. */
  read(given: ProvedEvent): Event {
    const leaf = parseLeaf(given.leaf);
    const isLater = leaf.height > this.anchor.height || leaf.timeMs > this.anchor.timeMs;
    demand(!isLater, "event.later", `height ${leaf.height} is later than the anchor`);
    const body = equal(leaf.origin, ZERO) ? ledgerBody(given, leaf) : this.signedBody(given, leaf);
    return { leaf, body };
  }

  private signedBody(given: ProvedEvent, leaf: Leaf): Body {
    demand(given.ledgerEvent.length === 0, "event.ledger", "an item and a ledger event at once");
    const transaction = this.transactions[given.transaction];
    demand(transaction !== undefined, "event.transaction", "of a transaction that is not given");
    demand(equal(leaf.origin, transaction.id), "event.transaction", "of another transaction");
    const { header } = transaction;
    const item = readItem(given.item);
    const digest = hash("item", given.item);
    demand(equal(leaf.digest, digest), "event.item", "another item than the leaf names");
    needHashes(given.itemPath);
    const root = rootOfInclusion(TRAIL_LOG, digest, BigInt(leaf.item), BigInt(header.itemCount), given.itemPath);
    demand(root !== undefined && equal(root, header.itemsRoot), "event.item", "not an item that was signed");
    const body: Body = { by: "signer", header, item };
    this.checkInForce(header, leaf.height);
    this.used.add(transaction);
    return body;
  }

  /** Key, identity and department of a signer are among the objects, and in force at a height. */
  private checkInForce(header: TransactionHeader, height: bigint): void {
    const key = this.objects.need(place.key(header.keyId), KeySchema);
    const identity = this.objects.need(place.identity(header.identityId), IdentitySchema);
    const department = this.objects.need(place.department(header.department), DepartmentSchema);
    const isInForce = [key, identity, department].every((it) => holdsAt(it.standing, height));
    demand(isInForce, "signer.not_in_force", `not in force at height ${height}`);
  }

  /** Throws `file.unused` for a transaction of no event, or one given twice. */
  checkAllUsed(): void {
    const ids = new Set(this.transactions.map((it) => hex(it.id)));
    const areUsed = ids.size === this.transactions.length && this.used.size === this.transactions.length;
    demand(areUsed, "file.unused", "a transaction that the claim does not need");
  }

  /** Judges the signature of each transaction, once all else is known to be good. */
  checkSignatures(): void {
    for (const { header, message, signature } of this.transactions) {
      const key = this.objects.need(place.key(header.keyId), KeySchema);
      demand(isUsableKey(key.publicKey), "signer.key", "a key that can't be used");
      const isTheirs =
        key.department === header.department &&
        equal(key.identityId, header.identityId) &&
        equal(keyId(key.publicKey), header.keyId);
      demand(isTheirs, "signer.mismatch", "another signer than the transaction states");
      demand(verifies(key.publicKey, message, signature), "signature.bad", "a bad signature");
    }
  }
}

function readItem(bytes: Uint8Array): Item {
  try {
    return parseItem(bytes);
  } catch (error) {
    if (error instanceof NotCanonical || error instanceof BadItem) throw new Invalid("event.item", error.message);
    throw error;
  }
}

/** An event that the ledger's rules made: nobody signed it, and its outcome says nothing. */
function ledgerBody(given: ProvedEvent, leaf: Leaf): Body {
  const isAlone = given.transaction === 0 && given.item.length === 0 && given.itemPath.length === 0;
  demand(isAlone, "event.ledger", "the ledger's event, and a signed one");
  const { verdict, reason, timeliness, future, namesOthers } = leaf.outcome;
  const isNone = verdict === "none" && reason === "none" && timeliness === "none";
  const saysNothing = isNone && !future && !namesOthers;
  const isOfLedger = equal(leaf.digest, hash("ledger", given.ledgerEvent)) && saysNothing;
  demand(isOfLedger, "event.ledger", "not the event that the leaf names");
  const event = tryDecode(LedgerEventSchema, given.ledgerEvent, ITEM_BYTES);
  demand(event !== undefined && isKnown(event), "event.ledger", "no ledger event that this verifier knows");
  return { by: "ledger", event };
}

/** Whether an event names its cause, and its enums are among those that the rules give. */
function isKnown({ cause, kind }: LedgerEvent): boolean {
  if (cause === undefined) return false;
  switch (kind.case) {
    case undefined:
      return false;
    case "deadlineMissed":
      return isNamed(DeadlineSchema, kind.value.deadline);
    case "grantEnded":
      return isNamed(GrantEndSchema, kind.value.end);
    case "departmentChanged":
      return isNamed(StandingChangeSchema, kind.value.change);
    case "proposalEnded":
      return isNamed(ProposalEndSchema, kind.value.end);
    case "integrityRaised":
      return isNamed(IntegrityRuleSchema, kind.value.rule);
    case "integritySettled":
      return isNamed(IntegrityRuleSchema, kind.value.rule) && isNamed(IntegrityEndSchema, kind.value.end);
    case "alertRaised":
      return isNamed(WatchKindSchema, kind.value.watch);
    default:
      return true;
  }
}
