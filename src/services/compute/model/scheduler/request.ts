/** What a server asks of the host it is to be on. */
export interface HostRequest {
  /** Only this availability zone. */
  zone?: string;
  /** An administrator wants this host, whatever the filters say. */
  forceHost?: string;
  /** This host, if the filters let it pass. */
  requestedHost?: string;
  requestedHypervisor?: string;
  /** `hw_*` and `img_*` properties of the image. */
  imageProperties: Record<string, string>;
  /** Extra specs of the flavor, for filters on aggregates. */
  group?: GroupRequest;
  /** Hosts of the servers that it is to be with. */
  sameHosts?: string[];
  /** Hosts of the servers that it is not to be with. */
  differentHosts?: string[];
}

export interface GroupRequest {
  policy: string;
  /** The hosts of the group's other servers: one entry for each server. */
  hosts: string[];
  /** Of anti-affinity. Default 1. */
  maxPerHost: number;
}

/** A host as the scheduler sees it. */
export interface HostState {
  host: string;
  node: string;
  /** Its resource provider. */
  uuid: string;
  zone: string;
  enabled: boolean;
  up: boolean;
  hypervisorType: string;
  architecture: string;
  freeRamMib: number;
  freeVcpus: number;
}
