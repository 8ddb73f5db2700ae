import { SIDE_MULTIPLE } from '@farm/contracts';

export interface PixelSize {
  width: number;
  height: number;
}

/** Weight of lost area against distorted shape: at one half, 384*256 gives a square portrait 256x256. */
const AREA_WEIGHT = 0.5;

/** @param size an area cap, `width*height` in pixels */
export function areaOf(size: string): number {
  const [width = 0, height = 0] = size.split('*').map(Number);
  return width * height;
}

/**
 * The video's size for a portrait: both sides multiples of 64, the area at most the cap. Of all such pairs the one that
 * distorts the portrait's shape least for the area it gives up; both are compared as logarithms of ratios. The exact
 * shape alone would give 576x320 for a 720x400 portrait where 704x384 fits.
 *
 * @param portrait width and height in pixels, as a person sees it (after EXIF rotation)
 * @param size area cap, `width*height` in pixels, at least 64*64
 */
export function outputSize(portrait: PixelSize, size: string): PixelSize {
  const cap = areaOf(size);
  const aspect = portrait.width / portrait.height;
  let best: PixelSize = { width: SIDE_MULTIPLE, height: SIDE_MULTIPLE };
  let bestCost = Number.POSITIVE_INFINITY;
  for (let width = SIDE_MULTIPLE; width * SIDE_MULTIPLE <= cap; width += SIDE_MULTIPLE) {
    for (let height = SIDE_MULTIPLE; width * height <= cap; height += SIDE_MULTIPLE) {
      const distortion = Math.abs(Math.log(width / height / aspect));
      const cost = distortion + AREA_WEIGHT * Math.log(cap / (width * height));
      if (cost < bestCost - 1e-9) [best, bestCost] = [{ width, height }, cost];
    }
  }
  return best;
}
