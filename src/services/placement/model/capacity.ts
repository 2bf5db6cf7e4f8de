/** What a provider has of one resource class. */
export interface Inventory {
  total: number;
  reserved: number;
  allocation_ratio: number;
  min_unit: number;
  max_unit: number;
  step_size: number;
}

/** What the API fills in where an inventory leaves a field out; `max_unit` is the largest the database holds. */
export const inventoryDefaults: Omit<Inventory, 'total'> = {
  reserved: 0,
  allocation_ratio: 1,
  min_unit: 1,
  max_unit: 2_147_483_647,
  step_size: 1,
};

/** How much can be handed out in all, as it is worked out: mostly no whole number. */
export function limitOf(inventory: Inventory): number {
  return (inventory.total - inventory.reserved) * inventory.allocation_ratio;
}

/** How much can be handed out in all, whole units. */
export function capacityOf(inventory: Inventory): number {
  return Math.trunc(limitOf(inventory));
}

/** Whether the amount may be asked for at all: between min_unit and max_unit, a multiple of step_size. */
export function respectsUnits(inventory: Inventory, amount: number): boolean {
  return amount >= inventory.min_unit && amount <= inventory.max_unit && amount % inventory.step_size === 0;
}

/** used + amount ≤ (total − reserved) × allocation_ratio */
export function hasRoom(inventory: Inventory, used: number, amount: number): boolean {
  return used + amount <= limitOf(inventory);
}

/** What stands against an allocation: the units (never possible) are told before the room (perhaps later). */
export function refusal(
  inventory: Inventory,
  used: number,
  amount: number,
): 'constraints' | 'capacity' | undefined {
  if (!respectsUnits(inventory, amount)) return 'constraints';
  return hasRoom(inventory, used, amount) ? undefined : 'capacity';
}
