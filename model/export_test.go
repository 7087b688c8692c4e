package model

// FromHalf is fromHalf, for its test.
var FromHalf = fromHalf
