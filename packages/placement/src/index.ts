export {
  liveAvatarProfile,
  type MemoryProfile,
  type ProfiledPrecision,
  predictPeakGB,
  type RenderNeed,
  tokensOf,
} from './memory-profile.js';
export { areaOf, outputSize, type PixelSize } from './output-size.js';
export { type Placement, type PlacementRequest, placeRender } from './place-render.js';
