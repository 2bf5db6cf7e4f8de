import { BadRequest, Conflict, Forbidden } from '../../../platform/errors/errors.ts';

/** What is kept of an image in one row; `store/tables.ts` says how. */
export interface ImageRow {
  id: string;
  name: string | null;
  status: string;
  visibility: Visibility;
  owner: string | null;
  disk_format: string | null;
  container_format: string | null;
  /** Bytes; `null` before they are there. */
  size: number | null;
  virtual_size: number | null;
  /** GiB */
  min_disk: number;
  /** MiB */
  min_ram: number;
  protected: boolean;
  os_hidden: boolean;
  checksum: string | null;
  os_hash_algo: string | null;
  os_hash_value: string | null;
  upload_id: string | null;
  upload_host: string | null;
  deleted: boolean;
  revision: string | null;
  created_at: string;
  updated_at: string;
}

/** An image as the service thinks of it: its row and what lies beside it. */
export interface Image {
  row: ImageRow;
  /** Custom properties by name. */
  properties: Record<string, string>;
  tags: string[];
  /** Names of the stores that have its bytes, in order. */
  stores: string[];
  /** Where in them, in their order. */
  locations: ImageLocation[];
}

export interface ImageLocation {
  id: string;
  store: string;
  /** As the store knows it. */
  url: string;
  location_metadata: Record<string, unknown> | null;
}

/** The formats of upstream's configuration defaults; those that need no look into come first. */
export const diskFormats = [
  'ami',
  'ari',
  'aki',
  'vhd',
  'vhdx',
  'vmdk',
  'raw',
  'qcow2',
  'vdi',
  'iso',
  'ploop',
] as const;
export const containerFormats = ['ami', 'ari', 'aki', 'bare', 'ovf', 'ova', 'docker', 'compressed'] as const;

export const visibilities = ['community', 'public', 'private', 'shared'] as const;
export type Visibility = (typeof visibilities)[number];

/** What may become of an image in each state, as in glance's domain model. */
const transitions: Record<string, readonly string[]> = {
  queued: ['saving', 'uploading', 'importing', 'active', 'deleted'],
  saving: ['active', 'killed', 'deleted', 'queued'],
  uploading: ['importing', 'queued', 'deleted'],
  importing: ['active', 'deleted', 'queued'],
  active: ['pending_delete', 'deleted', 'deactivated'],
  killed: ['deleted'],
  pending_delete: ['deleted', 'active'],
  deleted: [],
  deactivated: ['active', 'deleted'],
};

/**
 * @throws Conflict when an image in state `from` cannot become `to`
 * @throws BadRequest when it lacks what data needs
 */
export function assertTransition(row: ImageRow, to: string): void {
  if (!transitions[row.status]?.includes(to)) {
    throw new Conflict(`Image status transition from ${row.status} to ${to} is not allowed`);
  }
  // An image that had data has its formats, and is active again without another look.
  const filled = to === 'saving' || to === 'importing' || (to === 'active' && row.status === 'queued');
  if (!filled) return;
  const missing = (['disk_format', 'container_format'] as const).filter((name) => !row[name]);
  if (missing.length > 0) {
    throw new BadRequest(
      `${missing.length > 1 ? 'Properties' : 'Property'} ${missing.join(', ')} must be set prior to saving data.`,
    );
  }
}

/** @throws Forbidden in upstream's words, which clients show */
export function assertNotProtected(row: ImageRow): void {
  if (row.protected) throw new Forbidden(`Image ${row.id} is protected and cannot be deleted.`);
}
