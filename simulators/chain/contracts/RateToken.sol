// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Token} from "./Token.sol";

/// A token that says how much of something else one of it is worth, like weETH.
contract RateToken is Token {
    uint256 public getRate;

    constructor(string memory name_, string memory symbol_, uint8 decimals_, uint256 rate) Token(name_, symbol_, decimals_) {
        getRate = rate;
    }

    function setRate(uint256 rate) external {
        getRate = rate;
    }
}
