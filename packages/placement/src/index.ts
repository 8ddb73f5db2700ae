export {
  liveAvatarProfile,
  type MemoryProfile,
  type ProfiledPrecision,
  predictPeakGB,
  type RenderSettings,
  tokensOf,
} from './memory-profile.js';
export { areaOf, outputSize, type PixelSize } from './output-size.js';
export { type Placement, placeRender, type RenderNeed } from './place-render.js';
