/** Items: canonical bytes to a checked item. */
import { decode } from "../canonical.js";
import { type Item, ItemSchema } from "../gen/liuhen/v1/transaction_pb.js";
import * as catalogue from "./catalogue.js";
import { BadItem, ensure } from "./fields.js";
import * as gateway from "./gateway.js";
import * as governance from "./governance.js";
import * as member from "./member.js";
import * as oversight from "./oversight.js";
import * as reading from "./reading.js";
import { recordAccess } from "./record.js";
import * as workflow from "./workflow.js";

/** Bytes of an item, and of a ledger event, at most. */
export const ITEM_BYTES = 16 * 1024;
const NONCE_BYTES = 16;

/** The kind of an item, as the field of the schema is called: `recordAccess`. */
export type ItemKind = NonNullable<Item["kind"]["case"]>;
type ItemOf<Kind extends ItemKind> = Extract<Item["kind"], { case: Kind }>["value"];

/** What each kind of item must be; each throws `BadItem`. */
const CHECKS: { [Kind in ItemKind]: (it: ItemOf<Kind>) => void } = {
  registerDataset: catalogue.registerDataset,
  updateDataset: catalogue.registerDataset,
  retireDataset: catalogue.retireDataset,
  publishVersion: catalogue.publishVersion,
  requestAccess: workflow.requestAccess,
  decideRequest: workflow.decideRequest,
  confirmGrant: workflow.confirmGrant,
  revokeGrant: workflow.endGrant,
  suspendGrant: workflow.endGrant,
  resumeGrant: workflow.resumeGrant,
  amendGrant: workflow.amendGrant,
  reconfirmGrant: workflow.reconfirmGrant,
  askSupplement: workflow.askSupplement,
  supplementRequest: workflow.supplementRequest,
  approveException: workflow.approveException,
  offerStanding: workflow.offerStanding,
  delegateGrant: workflow.delegateGrant,
  openEmergency: workflow.openEmergency,
  ratifyEmergency: workflow.ratifyEmergency,
  givePermit: workflow.givePermit,
  admitDepartment: member.admitDepartment,
  changeDepartment: member.changeDepartment,
  succeedDepartment: member.succeedDepartment,
  registerIdentity: member.registerIdentity,
  rotateKeys: member.rotateKeys,
  changeIdentity: member.changeIdentity,
  assignPost: member.assignPost,
  replaceRoot: member.replaceRoot,
  objectToRoot: member.objectToRoot,
  propose: governance.propose,
  vote: governance.vote,
  recordReads: reading.recordReads,
  openAudit: reading.audit,
  closeAudit: reading.audit,
  openReads: reading.openReads,
  recordAccess,
  setGateway: gateway.setGateway,
  commitMapping: gateway.commitMapping,
  sealPeriod: gateway.sealPeriod,
  declareLoss: gateway.declareLoss,
  declareOutage: gateway.declareOutage,
  unrecordable: gateway.unrecordable,
  manualHandover: gateway.manualHandover,
  addBulkTags: gateway.addBulkTags,
  correctRecords: gateway.correctRecords,
  agreeCorrection: gateway.agreeCorrection,
  acknowledge: gateway.acknowledge,
  acknowledgeHour: gateway.acknowledgeHour,
  orderSealing: reading.orderSealing,
  extendSealing: reading.extendSealing,
  recordSealed: reading.recordSealed,
  openSealed: reading.openSealed,
  answerAlert: oversight.answerAlert,
  openCase: oversight.openCase,
  answerCase: oversight.answerCase,
  ruleCase: oversight.ruleCase,
  registerProduct: oversight.registerProduct,
  reviewProduct: oversight.reviewProduct,
  releaseProduct: oversight.product,
  evaluateProduct: oversight.evaluateProduct,
  recallProduct: oversight.recallProduct,
  reportDoubleVote: oversight.reportDoubleVote,
};

/** Reads an item. Throws `NotCanonical`, or `BadItem` where a field's content can't be. */
export function parseItem(bytes: Uint8Array): Item {
  const item = decode(ItemSchema, bytes, ITEM_BYTES);
  ensure(item.nonce.length === NONCE_BYTES, "a nonce of 16 bytes is needed");
  const { kind } = item;
  if (kind.case === undefined) throw new BadItem("the item says nothing");
  const check = CHECKS[kind.case] as (it: unknown) => void;
  check(kind.value);
  return item;
}
