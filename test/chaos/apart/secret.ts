// What requests from the shop to its services are signed with: between the machines of a campaign as well.
export const SECRET: string = `whsec_${Buffer.alloc(32, 'chaos').toString('base64')}`
