// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Token} from "./Token.sol";

/// Once armed, reading a balance or moving one burns all the gas it was given.
contract GasBurner is Token {
    bool private _armed;

    constructor(string memory name_, string memory symbol_) Token(name_, symbol_, 18) {}

    function arm(address) external {
        _armed = true;
    }

    function balanceOf(address holder) public view override returns (uint256) {
        if (_armed) _burn();
        return super.balanceOf(holder);
    }

    function _update(address from, address to, uint256 value) internal override {
        if (_armed && from != address(0)) _burn();
        super._update(from, to, value);
    }

    function _burn() private pure {
        assembly {
            invalid()
        }
    }
}
