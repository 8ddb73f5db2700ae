export interface PortraitLimits {
  maximumBytes: number;
  maximumPixels: number;
}

export const defaultPortraitLimits: PortraitLimits = { maximumBytes: 100e6, maximumPixels: 64e6 };
