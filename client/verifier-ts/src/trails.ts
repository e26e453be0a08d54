/**
 * Trails, by what they are about, and those of a ledger event. docs/spec/encoding.md, "Trails of an event" and
 * "Events that the rules make".
 */
import { concat, u64, utf8 } from "./bytes.js";
import type { LedgerEvent } from "./gen/liuhen/v1/event_pb.js";
import { type Place, TRAIL } from "./places.js";

const byCode =
  (kind: number) =>
  (code: string): Place => ({ kind, id: utf8(code) });
const byId =
  (kind: number) =>
  (id: Uint8Array): Place => ({ kind, id });

export const department = byCode(TRAIL.department);
export const dataset = byCode(TRAIL.dataset);
export const integrity = byCode(TRAIL.integrity);
export const sealed = byCode(TRAIL.sealed);
/** Trail 15: records of a collector that may concern anybody. */
export const unlisted = byCode(TRAIL.unlisted);
export const alert = byCode(TRAIL.alert);
export const identity = byId(TRAIL.identity);
export const grant = byId(TRAIL.grant);
export const use = byId(TRAIL.use);
export const caseTrail = byId(TRAIL.case);
const identityIntegrity = byId(TRAIL.identityIntegrity);
export const acknowledgements = byId(TRAIL.acknowledgements);
export const gateway = byId(TRAIL.gateway);
export const product = byId(TRAIL.product);
export const governance: Place = { kind: TRAIL.governance, id: new Uint8Array(0) };

/** Trail 7: a subject of a collector. */
export function subjectTrail(collector: string, tag: Uint8Array): Place {
  return { kind: TRAIL.subject, id: concat(utf8(collector), tag) };
}

/** Trail 18: the tags of a bulk set. */
export function bulkTags(gatewayId: Uint8Array, accessNo: bigint): Place {
  return { kind: TRAIL.bulkTags, id: concat(gatewayId, u64(accessNo)) };
}

/** The trails of a ledger event; some may be there twice. */
export function trailsOfLedgerEvent({ kind }: LedgerEvent): Place[] {
  switch (kind.case) {
    case undefined:
      return [];
    case "deadlineMissed":
    case "grantEnded":
    case "emergencyNotRatified":
    case "collectorTold":
      return [dataset(kind.value.dataset), grant(kind.value.requestId)];
    case "departmentChanged":
    case "memberChanged":
      return [department(kind.value.department)];
    case "rootReplaced":
      return [
        department(kind.value.department),
        ...ifGiven(identity, kind.value.oldRootId),
        ...ifGiven(identity, kind.value.newRootId),
      ];
    case "departmentSucceeded":
      return [department(kind.value.from), department(kind.value.to)];
    case "proposalEnded":
    case "calendarMissing":
      return [governance];
    case "integrityRaised": {
      const { dataset: code, department: fault, identityId, requestId } = kind.value;
      const chains = [integrity(fault), ...ifGiven(identityIntegrity, identityId)];
      return [...chains, ...(code === "" ? [] : [dataset(code)]), ...ifGiven(grant, requestId)];
    }
    case "integritySettled":
      return [integrity(kind.value.department), ...ifGiven(identityIntegrity, kind.value.identityId)];
    case "alertRaised":
      return [alert(kind.value.department)];
    case "recordsCorrected":
      return [...ifGiven(identity, kind.value.fromIdentityId), ...ifGiven(identity, kind.value.toIdentityId)];
    case "recordCorrected": {
      const { collector, gatewayId, requestIds, tags } = kind.value;
      return [gateway(gatewayId), ...requestIds.map(use), ...tags.map((tag) => subjectTrail(collector, tag))];
    }
    case "productMarked":
      return [product(kind.value.productId), grant(kind.value.requestId)];
  }
}

function ifGiven(trail: (id: Uint8Array) => Place, id: Uint8Array): Place[] {
  return id.length > 0 ? [trail(id)] : [];
}
