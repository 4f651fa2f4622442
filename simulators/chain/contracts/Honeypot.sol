// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Token} from "./Token.sol";

/// Can be bought and handed on; whoever sends it to the pool is refused.
contract Honeypot is Token {
    address private _pool;

    constructor(string memory name_, string memory symbol_) Token(name_, symbol_, 18) {}

    function arm(address pool) external {
        _pool = pool;
    }

    function _update(address from, address to, uint256 value) internal override {
        require(_pool == address(0) || to != _pool, "TRANSFER_FAILED");
        super._update(from, to, value);
    }
}
