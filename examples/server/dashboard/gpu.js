/**
 * The id of the GPU type that a form begins with: the cheapest with a free GPU that `available` pays for an hour,
 * with disks of these sizes (GB). Where none is free, or none can be paid, what remains of that counts: a choice that
 * is refused gets a reason, and no choice gets none. Undefined where nothing is offered.
 */
export function firstGpu({ gpus, storage }, available, { container, volume }) {
  const disks = container * storage.containerDisk.price + volume * storage.volumeDisk.price;
  const rules = [
    (gpu) => gpu.available,
    (gpu) => gpu.gpuCount > 0,
    // Where nobody knows how many are free, one may be.
    (gpu) => gpu.free !== 0,
    (gpu) => available === null || gpu.price + disks <= available,
  ];
  const [isOffered, ...wishes] = rules;
  const candidates = wishes.reduce(
    (remaining, wish) => {
      const better = remaining.filter(wish);
      return better.length > 0 ? better : remaining;
    },
    Object.values(gpus).filter(isOffered),
  );
  return candidates.toSorted((one, other) => one.price - other.price)[0]?.id;
}
