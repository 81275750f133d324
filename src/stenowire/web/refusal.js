// What a person is to be told, in words of ours.

export class Refusal extends Error {}
