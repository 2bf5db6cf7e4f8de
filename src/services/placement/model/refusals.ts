import { Conflict, NotFound } from '../../../platform/errors/errors.ts';

/** What stands against a write, in upstream's words (`placement/exception.py`). APIs put their own words before them. */

export class ConcurrentUpdate extends Conflict {
  constructor(
    message = 'Another thread concurrently updated the resource provider data. Please retry your update',
  ) {
    super(message, { code: 'placement.concurrent_update' });
  }
}

export class UnknownResourceClass extends NotFound {
  constructor(name: string) {
    super(`No such resource class ${name}.`);
  }
}

export class UnknownTrait extends NotFound {
  constructor(names: readonly string[]) {
    super(`No such trait(s): ${names.join(', ')}.`);
  }
}

export class UnknownProvider extends NotFound {
  constructor(uuid: string) {
    super(`No resource provider with uuid ${uuid} found`);
  }
}

/** A provider has no such inventory, or not so much of it. */
export class InvalidInventory extends Conflict {
  static missing(resourceClasses: Iterable<string>, providers: Iterable<string>): InvalidInventory {
    const [classes, uuids] = [resourceClasses, providers].map((names) => [...new Set(names)].join(', '));
    return new InvalidInventory(`Inventory for '${classes}' on resource provider '${uuids}' invalid.`);
  }

  static refusing(
    why: 'constraints' | 'capacity',
    resourceClass: string,
    provider: string,
  ): InvalidInventory {
    const end = why === 'capacity' ? 'exceed the capacity' : 'violate inventory constraints';
    return new InvalidInventory(
      `Unable to create allocation for '${resourceClass}' on resource provider '${provider}'. ` +
        `The requested amount would ${end}.`,
    );
  }
}

export class InventoryInUse extends Conflict {
  constructor(resourceClasses: readonly string[], provider: string) {
    super(`Inventory for '${resourceClasses.join(', ')}' on resource provider '${provider}' in use.`, {
      code: 'placement.inventory.inuse',
    });
  }
}

/** A name that is taken by another provider. */
export class DuplicateProvider extends Conflict {
  constructor(what: string) {
    super(`Conflicting resource provider ${what} already exists.`, { code: 'placement.duplicate_name' });
  }
}

/** What cannot be done to a tree of providers, whoever asks. */
export class ImpossibleTree extends Error {
  constructor(action: 'create' | 'update', reason: string) {
    super(`Object action ${action} failed because: ${reason}`);
  }
}
