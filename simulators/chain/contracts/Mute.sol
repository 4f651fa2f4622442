// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Token} from "./Token.sol";

/// Once armed, refuses to say a balance.
contract Mute is Token {
    bool private _armed;

    constructor(string memory name_, string memory symbol_) Token(name_, symbol_, 18) {}

    function arm(address) external {
        _armed = true;
    }

    function balanceOf(address holder) public view override returns (uint256) {
        require(!_armed, "no");
        return super.balanceOf(holder);
    }
}
