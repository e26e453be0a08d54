/** Items on the catalogue: catalogue.proto. */
import type {
  PublishVersion,
  RegisterDataset,
  RetireDataset,
  StateList,
  UpdateDataset,
} from "../gen/liuhen/v1/catalogue_pb.js";
import { ascendingTexts, codes, ensure, idIfGiven, ids, numbered, titles, within } from "./fields.js";
import type { Rows } from "./kind.js";
import { dataset, department } from "../trails.js";

/** Fields of a dataset, or of a grant, at most. */
export const FIELDS = 512;

function registerDataset(it: RegisterDataset | UpdateDataset): void {
  codes(it.dataset, it.collector);
  titles(it.titleZh, it.titleEn);
  within(it.grade, 1, 4, "a grade");
  within(it.category, 1, 3, "a category");
  ids(it.schemaDigest);
  ensure(it.fields.length > 0, "a dataset has at least one field");
  ascendingTexts(
    it.fields.map((field) => field.name),
    FIELDS,
  );
  for (const field of it.fields) {
    codes(field.name);
    within(field.grade, 1, 4, "a grade");
    within(field.category, 0, 3, "a field's category");
  }
}

function retireDataset(it: RetireDataset): void {
  codes(it.dataset, it.collector);
  ids(it.reasonDigest);
}

function publishVersion(it: PublishVersion): void {
  codes(it.dataset, it.collector);
  numbered(it.version);
  ids(it.contentDigest);
  idIfGiven(it.previousDigest);
  const isFirst = it.previousDigest.length === 0;
  ensure(isFirst === (it.version === 1n), "all but the first version name the one before");
}

function stateList(it: StateList): void {
  codes(it.department, it.platform);
  within(it.kind, 1, 3, "a kind");
  numbered(it.count);
  ids(it.root);
  ensure(it.untilMs > 0n && it.fromMs <= it.untilMs, "a time ends after it begins");
}

/** The kinds of this domain. */
export const CATALOGUE = {
  registerDataset: { check: registerDataset, trails: (it) => [dataset(it.dataset)] },
  updateDataset: { check: registerDataset, trails: (it) => [dataset(it.dataset)] },
  retireDataset: { check: retireDataset, trails: (it) => [dataset(it.dataset)] },
  publishVersion: { check: publishVersion, trails: (it) => [dataset(it.dataset)] },
  stateList: { check: stateList, trails: (it) => [department(it.department)] },
} satisfies Rows;
