// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Token} from "./Token.sol";

/// Once armed, answers a question about a balance with a megabyte, and a transfer with a megabyte of excuse.
contract ReturnBomb is Token {
    uint256 private constant MEGABYTE = 1 << 20;
    bool private _armed;

    constructor(string memory name_, string memory symbol_) Token(name_, symbol_, 18) {}

    function arm(address) external {
        _armed = true;
    }

    function balanceOf(address holder) public view override returns (uint256) {
        if (_armed) {
            assembly {
                mstore(0, 1)
                return(0, MEGABYTE)
            }
        }
        return super.balanceOf(holder);
    }

    function _update(address from, address to, uint256 value) internal override {
        if (_armed && from != address(0)) {
            assembly {
                revert(0, MEGABYTE)
            }
        }
        super._update(from, to, value);
    }
}
