import {
  ApiError,
  BadRequest,
  Conflict,
  NotFound,
  OverQuota,
  ServiceUnavailable,
} from '../../../platform/errors/errors.ts';

/** `code` is the `type` of the API's `NeutronError`: clients know errors by it, so it is upstream's class name. */
export const notFound = (type: string, message: string): NotFound =>
  new NotFound(message, undefined, { code: type });
export const conflict = (type: string, message: string): Conflict => new Conflict(message, { code: type });
export const badRequest = (type: string, message: string): BadRequest =>
  new BadRequest(message, { code: type });

export const invalidInput = (problem: string): BadRequest =>
  badRequest('InvalidInput', `Invalid input for operation: ${problem}.`);
/** How upstream words a value that does not fit its attribute. */
export const invalidAttribute = (name: string, reason: string): BadRequest =>
  badRequest('HTTPBadRequest', `Invalid input for ${name}. Reason: ${reason}.`);

export const networkNotFound = (id: string): NotFound =>
  notFound('NetworkNotFound', `Network ${id} could not be found.`);
export const portNotFound = (id: string): NotFound =>
  notFound('PortNotFound', `Port ${id} could not be found.`);
export const routerNotFound = (id: string): NotFound =>
  notFound('RouterNotFound', `Router ${id} could not be found`);
export const securityGroupNotFound = (id: string): NotFound =>
  notFound('SecurityGroupNotFound', `Security group ${id} does not exist`);

export const addressGroupNotFound = (id: string): NotFound =>
  notFound('AddressGroupNotFound', `Address group ${id} could not be found.`);

export const networkInUse = (
  id: string,
  reason = 'There are one or more ports still in use on the network',
): Conflict => conflict('NetworkInUse', `Unable to complete operation on network ${id}. ${reason}.`);
export const subnetInUse = (
  id: string,
  reason = 'One or more ports have an IP allocation from this subnet',
): Conflict => conflict('SubnetInUse', `Unable to complete operation on subnet ${id}: ${reason}.`);
export const addressAllocated = (subnetId: string, ip: string): Conflict =>
  conflict('IpAddressAlreadyAllocated', `IP address ${ip} already allocated in subnet ${subnetId}`);
export const addressesExhausted = (networkId: string): Conflict =>
  conflict('IpAddressGenerationFailure', `No more IP addresses available on network ${networkId}.`);
export const macInUse = (networkId: string, mac: string): Conflict =>
  conflict(
    'MacAddressInUse',
    `Unable to complete operation for network ${networkId}. The mac address ${mac} is in use.`,
  );
export const noNetworkAvailable = (): ServiceUnavailable =>
  new ServiceUnavailable('Unable to create the network. No project network is available for allocation.', {
    code: 'NoNetworkAvailable',
  });
export const servicePortInUse = (id: string, owner: string): Conflict =>
  conflict(
    'ServicePortInUse',
    `Port ${id} cannot be deleted directly via the port API: has device owner ${owner}.`,
  );
export const overQuota = (resource: string): OverQuota =>
  new OverQuota(409, `Quota exceeded for resources: ['${resource}'].`, { code: 'OverQuota' });
export const bindingFailed = (portId: string): ApiError =>
  new ApiError(500, `Binding failed for port ${portId}.`, {
    code: 'PortBindingFailed',
  });
