declare module 'shaka-player/dist/shaka-player.compiled.js' {
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  const shaka: any;
  export default shaka;
}
