// How the dashboard is built: static files with hashed names below /dashboard/, no inline script, style or image, so that the
// strictest content security policy serves it. With `npm run dev` a running server answers what is asked under /api.
import { defineConfig } from 'vite'

const server = process.env['BALLET_URL'] ?? 'http://127.0.0.1:4400'

export default defineConfig({
  base: '/dashboard/',
  build: {
    target: 'es2023',
    assetsInlineLimit: 0,
    modulePreload: false,
    chunkSizeWarningLimit: 600,
  },
  server: { proxy: { '/api': { target: server, changeOrigin: true } } },
})
