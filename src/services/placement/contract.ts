import { contract } from '../../platform/bus/contract.ts';

/** What other services may ask of placement. */
export interface PlacementService {
  /** Makes a provider and its inventories and traits what they should be; nothing is written where they are already. */
  ensureProvider(args: ProviderReport): Promise<void>;
  /** Deletes a provider that nothing is allocated from. Nothing happens where it is gone. */
  deleteProvider(args: { uuid: string }): Promise<void>;
  /** Ways to give what is asked for, best effort order; at most `limit`. */
  candidates(args: CandidateQuery): Promise<Candidate[]>;
  /**
   * Gives a consumer exactly these allocations, all or none, in place of those it has.
   * @throws Conflict when there is not enough left
   */
  claim(args: Claim): Promise<void>;
  /** Takes all allocations of a consumer back. Nothing happens where there are none. */
  release(args: { consumer: string }): Promise<void>;
  allocations(args: { consumer: string }): Promise<Record<string, Record<string, number>>>;
  /** Who holds anything, a page at a time by uuid: at most 1,000 of those that come after one. */
  consumers(args: { after?: string }): Promise<Holder[]>;
  /** The aggregates that providers are in; providers that are not there are left out. */
  aggregates(args: { providers: string[] }): Promise<Record<string, string[]>>;
  /** Puts a provider into aggregates and out of others; what is not named stays. @throws NotFound */
  changeAggregates(args: { provider: string; add: string[]; remove: string[] }): Promise<void>;
}

export interface Holder {
  consumer: string;
  /** `null`: made before consumers had types. */
  consumerType: string | null;
  projectId: string;
  userId: string;
  /** By provider's uuid, then by resource class. */
  allocations: Record<string, Record<string, number>>;
}

export interface ProviderReport {
  uuid: string;
  name: string;
  parent?: string;
  inventories: Record<string, InventoryReport>;
  traits: string[];
  aggregates?: string[];
}

export interface InventoryReport {
  total: number;
  reserved?: number;
  minUnit?: number;
  maxUnit?: number;
  stepSize?: number;
  allocationRatio?: number;
}

export interface CandidateQuery {
  resources: Record<string, number>;
  required?: string[];
  forbidden?: string[];
  /** Each entry: aggregates of which a provider must be in one. */
  memberOf?: string[][];
  limit?: number;
}

export interface Candidate {
  /** By provider's uuid, then by resource class. */
  allocations: Record<string, Record<string, number>>;
  providers: Record<string, ProviderSummary>;
}

export interface ProviderSummary {
  name: string;
  root: string;
  traits: string[];
  /** Capacity is (total − reserved) × allocation ratio. */
  resources: Record<string, { capacity: number; used: number }>;
}

export interface Claim {
  consumer: string;
  projectId: string;
  userId: string;
  consumerType: string;
  allocations: Record<string, Record<string, number>>;
}

export const placementService = contract<PlacementService>('placement');
